package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"duration": duration,
	"passed":   func(verdict string) bool { return word(verdict) == Green },
	"upper":    strings.ToUpper,
	"when":     func(r *Report) string { return r.Began.UTC().Format("2 January 2006, 15:04:05 UTC") },
	"isJSON":   func(s string) bool { return strings.HasPrefix(s, "{") },
	"add":      func(a, b int) int { return a + b },
}).Parse(pageText))

// HTML is the report as one page: styles and pictures are in it, it has no
// scripts, and it loads nothing.
func (r *Report) HTML() ([]byte, error) {
	var charts []chart
	for _, s := range r.Steps {
		if c := newChart(s, r.Stack); len(c.Bars) > 0 {
			charts = append(charts, c)
		}
	}
	var b bytes.Buffer
	err := page.Execute(&b, struct {
		*Report
		Charts []chart
	}{r, charts})
	return b.Bytes(), err
}
