package notices

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/tests/golden"
)

// The committed notices are those of what the functions contain.
func TestNoticesAreFresh(t *testing.T) {
	modules, err := Modules(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := Text(modules)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("../..", File), string(fresh)) // make notices
	if len(modules) < 20 || !strings.Contains(string(fresh), "\n"+Line("github.com/aws/aws-lambda-go", "")[:len("* github.com/aws/aws-lambda-go")]) {
		t.Errorf("%d modules:\n%.2000s", len(modules), fresh)
	}
}

const mit = `Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

// A library without a licence, or under one that is unknown or not allowed, is
// told, all of them at once; the others' texts are given on, each once.
func TestLicences(t *testing.T) {
	module := func(path string, files map[string]string) Module {
		return Module{Path: path, Version: "v1.2.3", Files: files}
	}
	free := []Module{
		module("x.test/a", map[string]string{"LICENSE": mit, "NOTICE": "made by A"}),
		module("x.test/b", map[string]string{"sub/LICENSE": mit}),
	}
	text, err := Text(free)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n* x.test/a v1.2.3 (MIT)\n* x.test/b v1.2.3 (MIT)\n", "x.test/a/LICENSE,\nx.test/b/sub/LICENSE:\n", "x.test/a/NOTICE:\n\nmade by A\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if strings.Count(string(text), "Copyright") != 1 {
		t.Error("a text is there twice")
	}
	const gpl = "This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by " +
		"the Free Software Foundation, either version 3 of the License, or (at your option) any later version."
	_, err = Text(append(free, module("x.test/none", map[string]string{"NOTICE": mit}), module("x.test/own", map[string]string{"LICENSE": "Ask me."}), module("x.test/gpl", map[string]string{"COPYING": gpl})))
	for _, want := range []string{"x.test/none v1.2.3 has no licence", "x.test/own v1.2.3: LICENSE is no licence that is known", "x.test/gpl v1.2.3: COPYING is under GPL-3.0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
