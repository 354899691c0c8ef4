// The tlog judge reads a log that Tejido wrote to a folder, with nothing of Tejido's: Go's own checksum-database
// packages decide whether the notes, tiles and proofs are what they claim to be.
//
//	judge DIR KEY
//
// DIR holds the log's static files (checkpoint, tile/...), and may hold receipts (*.tlog-proof) and proofs of
// growth (*.consistency). KEY is the log's public key in the form name+id+key.
// It prints one line of what it found, and fails with a reason at the first thing that is wrong.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: judge DIR KEY")
		os.Exit(2)
	}
	found, err := judge(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
	fmt.Println(found)
}

func judge(dir, key string) (string, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", fmt.Errorf("key: %w", err)
	}
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return "", err
	}
	head, err := openHead(signed, verifier)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	entries, err := readEntries(dir, head, verifier)
	if err != nil {
		return "", err
	}
	receipts, err := checkReceipts(dir, entries, verifier)
	if err != nil {
		return "", err
	}
	growths, err := checkGrowth(dir, head)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("ok: %d entries, %d receipts, %d proofs of growth", len(entries), receipts, growths), nil
}

// openHead opens a signed checkpoint and reads its three lines.
func openHead(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// folder serves tiles from files, and counts on Go's TileHashReader to check each against the signed root.
type folder string

func (f folder) Height() int { return tileHeight }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		// Go writes the height into the path (tile/8/0/000); C2SP, which fixes it at 8, does not.
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
		data, err := os.ReadFile(filepath.Join(string(f), filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path, len(data))
		}
		read = append(read, data)
	}
	return read, nil
}

// readEntries reads every entry bundle and compares each entry's hash with the authenticated tree.
func readEntries(dir string, head tlog.Tree, verifier note.Verifier) ([][]byte, error) {
	reader := tlog.TileHashReader(head, folder(dir))
	var entries [][]byte
	for index := int64(0); index*256 < head.N; index++ {
		width := min(head.N-index*256, 256)
		tile := tlog.Tile{H: tileHeight, L: -1, N: index, W: int(width)}
		path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/data/", tileHeight))
		bundle, err := os.ReadFile(filepath.Join(dir, "tile", "entries", filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 {
				return nil, fmt.Errorf("bundle %s ends early", path)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if len(bundle) < 2+length {
				return nil, fmt.Errorf("bundle %s ends early", path)
			}
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("bundle %s has something after its last entry", path)
		}
	}
	var places []int64
	for index := range entries {
		places = append(places, tlog.StoredHashIndex(0, int64(index)))
	}
	hashes, err := reader.ReadHashes(places)
	if err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	for index, entry := range entries {
		if tlog.RecordHash(entry) != hashes[index] {
			return nil, fmt.Errorf("entry %d is not the one in the tree", index)
		}
	}
	// The tree that Go itself makes of these entries has the same root.
	root, err := ownRoot(entries)
	if err != nil {
		return nil, err
	}
	if root != head.Hash {
		return nil, fmt.Errorf("the root is %v, the entries give %v", head.Hash, root)
	}
	return entries, nil
}

func ownRoot(entries [][]byte) (tlog.Hash, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, place := range places {
			hashes = append(hashes, stored[place])
		}
		return hashes, nil
	})
	for index, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(index), entry, reader)
		if err != nil {
			return tlog.Hash{}, err
		}
		stored = append(stored, hashes...)
	}
	return tlog.TreeHash(int64(len(entries)), reader)
}

// checkReceipts checks the proof part of each receipt: index, path, signed head.
func checkReceipts(dir string, entries [][]byte, verifier note.Verifier) (int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.tlog-proof"))
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		if err := checkReceipt(text, entries, verifier); err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return len(names), nil
}

func checkReceipt(text []byte, entries [][]byte, verifier note.Verifier) error {
	lines, checkpoint, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return fmt.Errorf("no checkpoint")
	}
	head, err := openHead(checkpoint, verifier)
	if err != nil {
		return err
	}
	scanner := bufio.NewScanner(bytes.NewReader(lines))
	if !scanner.Scan() || scanner.Text() != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("wrong first line")
	}
	var index int64 = -1
	var path tlog.RecordProof
	for scanner.Scan() {
		line := scanner.Text()
		switch {
		case strings.HasPrefix(line, "extra "):
			if _, err := base64.StdEncoding.DecodeString(line[len("extra "):]); err != nil {
				return err
			}
		case strings.HasPrefix(line, "index "):
			if index, err = strconv.ParseInt(line[len("index "):], 10, 64); err != nil {
				return err
			}
		default:
			hash, err := tlog.ParseHash(line)
			if err != nil {
				return err
			}
			path = append(path, hash)
		}
	}
	if index < 0 || index >= int64(len(entries)) {
		return fmt.Errorf("no such entry: %d", index)
	}
	return tlog.CheckRecord(path, head.N, head.Hash, index, tlog.RecordHash(entries[index]))
}

// checkGrowth checks proofs of growth: a line with the old size, one with the old root, then the path.
func checkGrowth(dir string, head tlog.Tree) (int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.consistency"))
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		size, err := strconv.ParseInt(lines[0], 10, 64)
		if err != nil {
			return 0, err
		}
		var hashes []tlog.Hash
		for _, line := range lines[1:] {
			hash, err := tlog.ParseHash(line)
			if err != nil {
				return 0, err
			}
			hashes = append(hashes, hash)
		}
		if len(hashes) == 0 {
			return 0, fmt.Errorf("%s: no root", filepath.Base(name))
		}
		if err := tlog.CheckTree(hashes[1:], head.N, head.Hash, size, hashes[0]); err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return len(names), nil
}
