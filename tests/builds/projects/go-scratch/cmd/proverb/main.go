// Proverb prints a proverb with a full stop less.
package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"rsc.io/quote"
)

func main() {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "rsc.io/sampler" {
			fmt.Println(plain(quote.Go()), "sampler", module.Version)
		}
	}
}

func plain(sentence string) string {
	return strings.TrimSuffix(sentence, ".")
}
