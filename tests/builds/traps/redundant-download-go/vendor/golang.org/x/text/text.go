// Package text stands for what go mod vendor puts here.
package text

// Words are what the program prints.
const Words = "vendor"
