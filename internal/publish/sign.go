package publish

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aead.dev/minisign"
)

// Sign signs the sums of a staged version with minisign's secret key. The
// comment that is signed too names the version, so that an old version cannot be
// given out as another.
func Sign(dir, version string, key minisign.PrivateKey) error {
	text, err := os.ReadFile(filepath.Join(dir, SumsFile))
	if err != nil {
		return fmt.Errorf("read the sums to sign: %w", err)
	}
	signature := minisign.SignWithComments(key, text, trusted(version), "signature of "+SumsFile)
	if err := os.WriteFile(filepath.Join(dir, SignatureFile), signature, 0o644); err != nil { //nolint:gosec // G703: the folder that Stage filled
		return fmt.Errorf("write the signature: %w", err)
	}
	return nil
}

func trusted(version string) string { return "e6data AWS quickstart " + version }

// checkSignature says whether the key's owner signed the sums, as those of the
// version.
func checkSignature(text, signature []byte, version string, key minisign.PublicKey) error {
	var s minisign.Signature
	if err := s.UnmarshalText(signature); err != nil {
		return fmt.Errorf("%s is no signature of minisign: %w", SignatureFile, err)
	}
	if !minisign.Verify(key, text, signature) {
		return fmt.Errorf("%s was not signed with the key %X: use none of these files, and get them anew", SumsFile, key.ID())
	}
	if s.TrustedComment != trusted(version) {
		return errors.New("the signature is that of " + s.TrustedComment + ", not of version " + version)
	}
	return nil
}
