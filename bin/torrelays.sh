#!/bin/sh
# Starts the torrelays program for this machine's architecture as the command
# torrelays. Splunk runs this file on search heads only.
case $(uname -m) in
aarch64 | arm64) arch=arm64 ;;
*) arch=amd64 ;;
esac
case $0 in
*/*) folder=${0%/*} ;;
*) folder=. ;;
esac
exec "$folder/torrelays-linux-$arch" torrelays "$@"
