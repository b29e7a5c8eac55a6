#!/bin/sh
# Starts the tordetect program for this machine's architecture. Splunk runs
# this file on search heads and indexers alike, and the two may differ.
# Only uname is a process of its own: this line of work is paid on every search.
case $(uname -m) in
aarch64 | arm64) arch=arm64 ;;
*) arch=amd64 ;;
esac
case $0 in
*/*) folder=${0%/*} ;;
*) folder=. ;;
esac
exec "$folder/tordetect-linux-$arch" "$@"
