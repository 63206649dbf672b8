// Amounts prints a number as people of a country write it.
package main

import (
	"fmt"
	"runtime/debug"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

func main() {
	info, _ := debug.ReadBuildInfo()
	printer := message.NewPrinter(language.German)
	fmt.Println(printer.Sprintf("%d", 82854982), "by x/text", info.Deps[0].Version)
}
