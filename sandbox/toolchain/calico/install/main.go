// Command install runs Calico's installer of its CNI plugin and mends the kubeconfig that it writes: the installer
// puts the API server's name or IPv4 address in square brackets, which are for IPv6, and Go no longer parses that.
package main

import (
	"errors"
	"io/fs"
	"log"
	"os"
	"regexp"

	"github.com/projectcalico/calico/cni-plugin/pkg/install"
)

const kubeconfig = "/host/etc/cni/net.d/calico-kubeconfig"

// VERSION is set by the linker.
var VERSION string

var bracketed = regexp.MustCompile(`https://\[([A-Za-z0-9.-]+)\]`)

func main() {
	if len(os.Args) == 2 && (os.Args[1] == "version" || os.Args[1] == "-v") {
		os.Stdout.WriteString(VERSION + "\n")
		return
	}
	if err := install.Install(VERSION); err != nil {
		log.Fatalf("installing the CNI plugin: %v", err)
	}
	if err := mend(kubeconfig); err != nil {
		log.Fatalf("mending %s: %v", kubeconfig, err)
	}
}

func mend(path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	mended := bracketed.ReplaceAll(content, []byte("https://$1"))
	if err := os.WriteFile(path+".new", mended, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
