// Proverb greets with the words of a vendored module.
package main

import (
	"fmt"

	"golang.org/x/text"
)

func main() {
	fmt.Println("hello from", text.Words)
}
