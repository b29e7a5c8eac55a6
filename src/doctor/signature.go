package doctor

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tordetect/src/bounded"
)

// A release is signed as a whole: one file names all others with their SHA-256, as
// sha256sum writes it, and beside it is an Ed25519 signature of that file (RFC 8032,
// 64 bytes, as openssl pkeyutl -rawin writes it).
const (
	sumsName      = "SHA256SUMS"
	signatureName = sumsName + ".sig"
)

// checkSignature looks whether a release's key says that the file is as it was
// released. False: it is not, or nobody knows, and nothing of it may be started.
func (e *exam) checkSignature(file, key string) bool {
	e.check = "signature"
	folder := filepath.Dir(file)
	if key == "" {
		if regular(filepath.Join(folder, signatureName)) {
			e.add(Note, signatureName, "give the release's public key by --key", "the package is signed, and was not checked against a key")
		}
		return true
	}
	public, name, err := publicKey(key)
	if err != nil {
		e.add(Error, key, "give the release's public key in PEM form, as `openssl pkey -pubout` writes it", "the key cannot be read: %v", err)
		return false
	}
	sums, err := bounded.File(filepath.Join(folder, sumsName), maxSums)
	if err != nil {
		e.add(Error, sumsName, "put it beside the package, from the same release", "the list of checksums cannot be read: %v", err)
		return false
	}
	signature, err := bounded.File(filepath.Join(folder, signatureName), ed25519.SignatureSize)
	if err != nil {
		e.add(Error, signatureName, "put it beside the package, from the same release", "the signature cannot be read: %v", err)
		return false
	}
	if !ed25519.Verify(public, sums, signature) {
		e.add(Error, sumsName, "do not install it; take the release again, and look that the key is the right one", "the list of checksums was not signed by this key")
		return false
	}
	have, err := sumOf(file)
	if err != nil {
		e.add(Error, filepath.Base(file), "look at the file", "its checksum cannot be taken: %v", bounded.Cause(err))
		return false
	}
	if want := sumIn(sums, filepath.Base(file)); want != have {
		what := "the signed list has another checksum for it: it is not the file that was released"
		if want == "" {
			what = "the signed list does not name it: it is of no such release, or has another name now"
		}
		e.add(Error, filepath.Base(file), "do not install it; take the release again", "%s", what)
		return false
	}
	e.add(OK, filepath.Base(file), "", "it is as it was released and signed by the key %s", name)
	return true
}

// publicKey reads an Ed25519 key in PEM form, and names it by the SHA-256 of its DER
// form, as openssl pkey -pubin -outform DER | sha256sum does.
func publicKey(path string) (public ed25519.PublicKey, name string, err error) {
	text, err := bounded.File(path, maxKey)
	if err != nil {
		return nil, "", err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, "", errors.New("it is not in PEM form")
	}
	if strings.Contains(block.Type, "PRIVATE") {
		return nil, "", errors.New("it is the private key, which is for nobody but who releases")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, "", errors.New("it is no public key")
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, "", errors.New("it is no Ed25519 key")
	}
	return public, fmt.Sprintf("sha256:%x", sha256.Sum256(block.Bytes)), nil
}

func sumOf(file string) (string, error) {
	if !regular(file) {
		return "", bounded.ErrNoFile
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sumIn returns the checksum of a file in a list, "" where it is not named once: the
// sum, two blanks or a blank and a star, the name.
func sumIn(sums []byte, name string) (found string) {
	for line := range strings.Lines(string(sums)) {
		sum, rest, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if !ok || len(rest) == 0 || rest[1:] != name || rest[0] != ' ' && rest[0] != '*' {
			continue
		}
		if found != "" {
			return ""
		}
		found = strings.ToLower(sum)
	}
	return found
}
