// Api answers with words and a size.
package main

import (
	"fmt"
	"runtime/debug"

	"example.com/words"
	"github.com/mattn/go-shellwords"
)

func main() {
	split, err := shellwords.Parse(`"two words" one`)
	if err != nil {
		panic(err)
	}
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/mattn/go-shellwords" {
			fmt.Printf("%q %s shellwords %s\n", split, words.Size(82854982), module.Version)
		}
	}
}
