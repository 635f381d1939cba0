package display

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// Suits tells whether a live display is for this output: a terminal that can
// move its cursor, with somebody before it.
func Suits(out *os.File, getenv func(string) string) bool {
	return term.IsTerminal(int(out.Fd())) && getenv("CI") == "" && getenv("TERM") != "dumb" && getenv("TERM") != ""
}

// Live paints a run on a terminal's second screen, and leaves the last picture
// on the first. It observes the run.
type Live struct {
	out    io.Writer
	size   func() (width, height int)
	color  bool
	mu     sync.Mutex
	model  *Model
	blocks []string
	stop   chan struct{}
	ended  sync.WaitGroup
	once   sync.Once
}

// What the terminal is told (xterm, "Control Sequences").
const (
	enter      = "\x1b[?1049h\x1b[?25l" // the second screen, no cursor
	leave      = "\x1b[?25h\x1b[?1049l"
	home       = "\x1b[H"
	clearRight = "\x1b[K"
	clearBelow = "\x1b[J"
)

// repaint is short enough for times in tenths of a second.
const repaint = 100 * time.Millisecond

// Start paints from now on. Stop must be called: it gives the terminal back.
func Start(out *os.File, h Header, color bool) *Live {
	return start(out, func() (int, int) {
		w, h, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return 80, 24
		}
		return w, h
	}, h, color)
}

func start(out io.Writer, size func() (int, int), h Header, color bool) *Live {
	l := &Live{out: out, size: size, color: color, model: NewModel(h, time.Now()), stop: make(chan struct{})}
	fmt.Fprint(out, enter)
	l.ended.Go(func() {
		tick := time.NewTicker(repaint)
		defer tick.Stop()
		for {
			l.paint()
			select {
			case <-tick.C:
			case <-l.stop:
				return
			}
		}
	})
	return l
}

// paint asks for the size each time, so a resized terminal is right again
// within a tenth of a second.
func (l *Live) paint() {
	width, height := l.size()
	l.mu.Lock()
	view := l.model.View(width, height, time.Now(), l.color)
	l.mu.Unlock()
	fmt.Fprint(l.out, home+strings.ReplaceAll(view, "\n", clearRight+"\r\n")+clearRight+clearBelow)
}

// Stop gives the terminal back and leaves the last picture on it, and the
// texts that the run told in blocks. It may be called more than once.
func (l *Live) Stop() {
	l.once.Do(func() {
		close(l.stop)
		l.ended.Wait()
		l.model.Finish(time.Now())
		width, _ := l.size()
		fmt.Fprint(l.out, leave+l.model.View(width, 0, time.Now(), l.color)+"\n")
		for _, b := range l.blocks {
			fmt.Fprintln(l.out, b)
		}
	})
}

func (l *Live) do(change func(*Model)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l.model)
}

// Begin says that a step starts.
func (l *Live) Begin(step string, resources map[string]int) {
	l.do(func(m *Model) { m.Begin(step, resources, time.Now()) })
}

// Event is one event of the stack.
func (l *Live) Event(e rehearsal.Event) { l.do(func(m *Model) { m.Event(e, time.Now()) }) }

// End says that a step ended.
func (l *Live) End(s rehearsal.Step) { l.do(func(m *Model) { m.End(s) }) }

// Note is one fact.
func (l *Live) Note(topic, text string) { l.do(func(m *Model) { m.Note(topic, text) }) }

// Block keeps a text for the end: it is for copying, not for watching.
func (l *Live) Block(text string) { l.do(func(*Model) { l.blocks = append(l.blocks, text) }) }

var _ rehearsal.Observer = (*Live)(nil)
