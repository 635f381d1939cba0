package report

import (
	"bytes"
	_ "embed"
	"html/template"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"duration": duration,
	"passed":   func(verdict string) bool { return word(verdict) == Green },
	"when":     func(r *Report) string { return r.Began.UTC().Format("2 January 2006, 15:04:05 UTC") },
}).Parse(pageText))

// HTML is the report as one page: styles and pictures are in it, it has no
// scripts, and it loads nothing.
func (r *Report) HTML() ([]byte, error) {
	var pictures []chart
	for _, s := range r.Steps {
		if c := newChart(s, r.Stack); len(c.Bars) > 0 {
			pictures = append(pictures, c)
		}
	}
	var b bytes.Buffer
	err := page.Execute(&b, struct {
		*Report
		Pictures []chart
	}{r, pictures})
	return b.Bytes(), err
}
