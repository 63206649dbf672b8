// Keep hands words to C and takes them back.
package main

// static void *through(void *kept) { return kept; }
import "C"

import (
	"fmt"
	"runtime/debug"

	pointer "github.com/mattn/go-pointer"
	"github.com/mattn/go-shellwords"
)

func main() {
	words, err := shellwords.Parse(`kept "by C"`)
	if err != nil {
		panic(err)
	}
	kept := pointer.Save(words)
	defer pointer.Unref(kept)
	info, _ := debug.ReadBuildInfo()
	fmt.Printf("%q shellwords %s\n", pointer.Restore(C.through(kept)), info.Deps[1].Version)
}
