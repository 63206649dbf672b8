// Package words speaks of amounts.
package words

import "github.com/dustin/go-humanize"

// Size is a number of bytes as people read it.
func Size(bytes uint64) string {
	return humanize.Bytes(bytes)
}
