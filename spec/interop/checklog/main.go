// Checks a log and its evidence with nothing but Go's own transparency library: golang.org/x/mod/sumdb, which verifies the
// Go checksum database. It reads cases as JSON on standard input and writes an array of verdicts: "ok", or what is wrong.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	Vkey  string
	Cases []check
}

// A check names texts and files as our program wrote them; Go parses them anew.
type check struct {
	Kind    string // log, inclusion, consistency, cosigned or tiles
	Note    string // a checkpoint
	Older   string // an older checkpoint
	Proof   string // a tlog-proof, or an add-checkpoint request
	Line    string // a record, without line feed
	Path    string // a log, or a folder of tiles
	Witness string // the verifier key of a witness
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(in.Vkey)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	verdicts := []string{}
	for _, c := range in.Cases {
		if err := c.run(note.VerifierList(verifier)); err != nil {
			verdicts = append(verdicts, err.Error())
		} else {
			verdicts = append(verdicts, "ok")
		}
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}

func (c check) run(keys note.Verifiers) error {
	switch c.Kind {
	case "log":
		return c.log(keys)
	case "inclusion":
		return c.inclusion(keys)
	case "consistency":
		return c.consistency(keys)
	case "cosigned":
		return c.cosigned(keys)
	case "tiles":
		return c.tiles(keys)
	}
	return errors.New("unknown kind of check")
}

// openCheckpoint reads what c2sp.org/tlog-checkpoint describes.
func openCheckpoint(text string, keys note.Verifiers) (tlog.Tree, error) {
	signed, err := note.Open([]byte(text), keys)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != signed.Sigs[0].Name {
		return tlog.Tree{}, errors.New("not a checkpoint of the one who signed it")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// log builds the tree of a JSONL file and compares its root.
func (c check) log(keys note.Verifiers) error {
	tree, err := openCheckpoint(c.Note, keys)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(c.Path)
	if err != nil {
		return err
	}
	lines := bytes.Split(data, []byte("\n"))
	return rootOf(lines[:len(lines)-1], tree)
}

func rootOf(records [][]byte, tree tlog.Tree) error {
	if int64(len(records)) != tree.N {
		return fmt.Errorf("%d records, not %d", len(records), tree.N)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for i, record := range records {
		hashes, err := tlog.StoredHashes(int64(i), record, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("another root")
	}
	return nil
}

// splitProof reads the lines above a checkpoint: a word with a number, then hashes.
func splitProof(text, word string) (number int64, hashes []tlog.Hash, checkpoint string, err error) {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	if !found {
		return 0, nil, "", errors.New("no checkpoint in the proof")
	}
	lines := strings.Split(head, "\n")
	number, err = strconv.ParseInt(strings.TrimPrefix(lines[0], word+" "), 10, 64)
	for _, line := range lines[1:] {
		hash, failed := tlog.ParseHash(line)
		if failed != nil {
			return 0, nil, "", failed
		}
		hashes = append(hashes, hash)
	}
	return number, hashes, checkpoint, err
}

// inclusion checks what c2sp.org/tlog-proof describes.
func (c check) inclusion(keys note.Verifiers) error {
	body := strings.TrimPrefix(c.Proof, "c2sp.org/tlog-proof@v1\n")
	if body == c.Proof {
		return errors.New("not a tlog-proof")
	}
	if extra, rest, _ := strings.Cut(body, "\n"); strings.HasPrefix(extra, "extra ") {
		if _, err := base64.StdEncoding.DecodeString(extra[len("extra "):]); err != nil {
			return err
		}
		body = rest
	}
	index, hashes, checkpoint, err := splitProof(body, "index")
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(checkpoint, keys)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash([]byte(c.Line)))
}

// consistency checks the body of an add-checkpoint request (c2sp.org/tlog-witness).
func (c check) consistency(keys note.Verifiers) error {
	size, hashes, checkpoint, err := splitProof(c.Proof, "old")
	if err != nil {
		return err
	}
	older, err := openCheckpoint(c.Older, keys)
	if err != nil {
		return err
	}
	newer, err := openCheckpoint(checkpoint, keys)
	if err != nil {
		return err
	}
	if size != older.N {
		return errors.New("the proof starts elsewhere")
	}
	return tlog.CheckTree(hashes, newer.N, newer.Hash, older.N, older.Hash)
}

// A tileFolder reads what c2sp.org/tlog-tiles describes. Go's own layout names the height in the path, and is else the same.
type tileFolder string

func (folder tileFolder) Height() int { return 8 }

func (folder tileFolder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(folder), path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (folder tileFolder) SaveTiles([]tlog.Tile, [][]byte) {}

// tiles checks that every leaf hash in the tiles is authentic, and is that of its entry.
func (c check) tiles(keys note.Verifiers) error {
	text, err := os.ReadFile(filepath.Join(c.Path, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(string(text), keys)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tileFolder(c.Path))
	var records [][]byte
	for bundle := int64(0); bundle*256 < tree.N; bundle++ {
		tile := tlog.Tile{H: 8, L: 0, N: bundle, W: 256}
		if left := tree.N - bundle*256; left < 256 {
			tile.W = int(left)
		}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(c.Path, path))
		if err != nil {
			return err
		}
		for len(data) >= 2 {
			end := 2 + int(binary.BigEndian.Uint16(data))
			records = append(records, data[2:end])
			data = data[end:]
		}
	}
	for i, record := range records {
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		if err != nil {
			return err
		}
		if hashes[0] != tlog.RecordHash(record) {
			return fmt.Errorf("entry %d is not that of the tile", i)
		}
	}
	return rootOf(records, tree)
}

// A cosigner verifies what c2sp.org/tlog-cosignature describes for Ed25519, which the note package leaves to its users.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }

func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return ed25519.Verify(c.key, []byte(message), signature[8:])
}

func newCosigner(vkey string) (cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return cosigner{}, errors.New("not a verifier key")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 0x04 {
		return cosigner{}, errors.New("not the Ed25519 key of a witness")
	}
	id := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	hash := binary.BigEndian.Uint32(id[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return cosigner{}, errors.New("the id of the key is wrong")
	}
	return cosigner{parts[0], hash, key[1:]}, nil
}

// cosigned asks that the log signed the checkpoint, and the witness cosigned it.
func (c check) cosigned(keys note.Verifiers) error {
	if _, err := openCheckpoint(c.Note, keys); err != nil {
		return err
	}
	witness, err := newCosigner(c.Witness)
	if err != nil {
		return err
	}
	_, err = note.Open([]byte(c.Note), note.VerifierList(witness))
	return err
}
