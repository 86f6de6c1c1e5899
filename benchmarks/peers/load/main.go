// Command load sends the same requests to several servers in turn, and measures what it costs them.
//
// It reads a plan (see type plan) from standard input and writes one JSON object a sample to standard output. Its
// connections are those of the API server's webhook client: HTTP/1.1 over TLS, kept alive, at most 25 of them idle
// (k8s.io/client-go, transport/cache.go), and TLS sessions are not resumed. Of every sample it says the CPU time that
// the watched processes have spent (the clock that the kernel keeps of a process: all its threads, also those that
// have ended), what every request took, and how many connections were opened.
//
// Every mark, 8 times "@", becomes a number when a request is sent. Where the marks stand says how requests differ: in
// the uid and the name alone, as those of pods of one ReplicaSet do (a server may remember what it said of the last one),
// or also in what is judged, so that every one is judged anew.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	maxIdle     = 25
	idleTimeout = 90 * time.Second
	mark        = "@@@@@@@@"
)

type plan struct {
	CA      string `json:"ca"`
	Cert    string `json:"cert"` // of the client, or nothing
	Key     string `json:"key"`
	Servers []server
	Cases   []sampleCase
	Samples int
	// Every server is asked that often before its first sample.
	Warm int
	// Numbers begin here: no request may be like one of another plan.
	First int64
}

type server struct {
	Name string
	URL  string
	// The processes whose CPU time is told, by a name of theirs.
	Watch map[string]int
	// Overrides the body of a case: a server may want another namespace.
	Replace map[string]string
}

type sampleCase struct {
	Name        string
	Body        string
	Connections int
	Requests    int
	// So many requests a second are due, whatever becomes of those before, and take until then from when they were due.
	// 0: each follows the answer to the last.
	Rate float64
	// No request begins later than so many seconds after the first of a sample, which then holds fewer. 0: no end.
	Seconds float64
	// What the answer must contain, by server; "" is everybody else.
	Expect map[string]string
}

type sample struct {
	Server      string             `json:"server"`
	Case        string             `json:"case"`
	Sample      int                `json:"sample"`
	Connections int                `json:"connections"`
	Requests    int                `json:"requests"`
	Rate        float64            `json:"rate,omitempty"`
	Opened      int64              `json:"opened"`
	Sent        int64              `json:"sent_away,omitempty"` // and came back, as client-go does: it counts as time
	Seconds     float64            `json:"seconds"`
	CPU         map[string]float64 `json:"cpu_us"`
	Latency     map[string]float64 `json:"latency_us"`
	AnswerBytes int                `json:"answer_bytes"`
}

// client is one server with the connections to it.
type client struct {
	server
	http   *http.Client
	opened atomic.Int64
	sent   atomic.Int64 // away
}

func newClient(s server, tlsConfig *tls.Config) *client {
	c := &client{server: s}
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	c.http = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig:     tlsConfig.Clone(),
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: maxIdle,
		IdleConnTimeout:     idleTimeout,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c.opened.Add(1)
			return dialer.DialContext(ctx, network, address)
		},
	}}
	return c
}

// post sends one request, and returns the answer. Who is told to come back does, like client-go: up to 10 times.
func (c *client) post(body []byte) (answer []byte, err error) {
	for range 10 {
		var wait int
		if answer, wait, err = c.try(body); wait == 0 {
			break
		}
		c.sent.Add(1)
		time.Sleep(time.Duration(wait) * time.Second)
	}
	return answer, err
}

// try sends it once. If it is told to come back, it returns in how many seconds.
func (c *client) try(body []byte) (answer []byte, wait int, err error) {
	request, err := http.NewRequest(http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	request.Header = http.Header{
		"Accept":       {"application/json, */*"},
		"Content-Type": {"application/json"},
		"User-Agent":   {"kube-apiserver-admission"},
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("HTTP %d", response.StatusCode)
		if response.StatusCode == http.StatusTooManyRequests {
			wait, _ = strconv.Atoi(response.Header.Get("Retry-After"))
		}
	}
	return answer, wait, err
}

// template is a body whose marks become numbers.
type template struct {
	text []byte
	at   []int
}

func newTemplate(text string) template {
	t := template{text: []byte(text)}
	for from := 0; ; {
		found := bytes.Index(t.text[from:], []byte(mark))
		if found < 0 {
			return t
		}
		t.at = append(t.at, from+found)
		from += found + len(mark)
	}
}

func (t template) numbered(number int64) []byte {
	body := bytes.Clone(t.text)
	digits := fmt.Sprintf("%0*x", len(mark), number)
	for _, at := range t.at {
		copy(body[at:], digits)
	}
	return body
}

var numbers atomic.Int64

func (c *client) expectation(k sampleCase) []byte {
	if own, ok := k.Expect[c.Name]; ok {
		return []byte(own)
	}
	return []byte(k.Expect[""])
}

// ask sends so many requests over so many connections.
func (c *client) ask(k sampleCase, requests int) (latency []time.Duration, size int, err error) {
	text := k.Body
	for from, to := range c.Replace {
		text = string(bytes.ReplaceAll([]byte(text), []byte(from), []byte(to)))
	}
	made, expect := newTemplate(text), c.expectation(k)
	var sent atomic.Int64
	begun := time.Now()
	due := func(number int64) bool {
		return number < int64(requests) && (k.Seconds == 0 || time.Since(begun).Seconds() < k.Seconds)
	}
	var lock sync.Mutex
	var group sync.WaitGroup
	for range k.Connections {
		group.Go(func() {
			var own []time.Duration
			for number := sent.Add(1) - 1; due(number); number = sent.Add(1) - 1 {
				body := made.numbered(numbers.Add(1))
				started := time.Now()
				if k.Rate > 0 {
					started = begun.Add(time.Duration(float64(number) / k.Rate * float64(time.Second)))
					time.Sleep(time.Until(started))
				}
				answer, failed := c.post(body)
				own = append(own, time.Since(started))
				if failed == nil && !bytes.Contains(answer, expect) {
					failed = fmt.Errorf("the answer lacks %s", expect)
				}
				if failed != nil {
					lock.Lock()
					err = fmt.Errorf("%s, %s: %w: %.600s", c.Name, k.Name, failed, answer)
					lock.Unlock()
					return
				}
				if size == 0 {
					lock.Lock()
					size = len(answer)
					lock.Unlock()
				}
			}
			lock.Lock()
			defer lock.Unlock()
			latency = append(latency, own...)
		})
	}
	group.Wait()
	return latency, size, err
}

func (c *client) sample(k sampleCase, number int) (sample, error) {
	before, opened, sent, started := c.cpu(), c.opened.Load(), c.sent.Load(), time.Now()
	latency, size, err := c.ask(k, k.Requests)
	if err != nil {
		return sample{}, err
	}
	taken := sample{
		Server: c.Name, Case: k.Name, Sample: number, Connections: k.Connections, Requests: len(latency), Rate: k.Rate,
		Opened: c.opened.Load() - opened, Sent: c.sent.Load() - sent, Seconds: rounded(time.Since(started).Seconds(), 1e4),
		CPU: map[string]float64{}, Latency: map[string]float64{}, AnswerBytes: size,
	}
	for name, after := range c.cpu() {
		taken.CPU[name] = rounded(float64((after-before[name]).Nanoseconds())/1e3/float64(len(latency)), 10)
	}
	slices.Sort(latency)
	for name, share := range map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1} {
		at := min(int(share*float64(len(latency))), len(latency)-1)
		taken.Latency[name] = rounded(float64(latency[at].Nanoseconds())/1e3, 1)
	}
	return taken, nil
}

// rounded keeps what is worth keeping: so many parts of one.
func rounded(value, parts float64) float64 { return math.Round(value*parts) / parts }

// cpu is what every watched process has spent so far.
func (c *client) cpu() map[string]time.Duration {
	spent := map[string]time.Duration{}
	for name, pid := range c.Watch {
		spent[name] = processTime(pid)
	}
	return spent
}

// processTime reads the clock of another process: clock_getcpuclockid(3) makes its number so.
func processTime(pid int) time.Duration {
	const wholeProcess = 2
	var at syscall.Timespec
	clock := uintptr(^pid<<3 | wholeProcess)
	if _, _, code := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&at)), 0); code != 0 {
		fail(fmt.Errorf("the clock of process %d: %w", pid, code))
	}
	return time.Duration(at.Nano())
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

func tlsConfig(p plan) (*tls.Config, error) {
	pem, err := os.ReadFile(p.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if p.Cert != "" {
		pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func run(p plan) error {
	config, err := tlsConfig(p)
	if err != nil {
		return err
	}
	numbers.Store(p.First)
	var clients []*client
	for _, each := range p.Servers {
		clients = append(clients, newClient(each, config))
	}
	out := json.NewEncoder(os.Stdout)
	for _, k := range p.Cases {
		for _, c := range clients {
			if _, _, err := c.ask(k, p.Warm); err != nil {
				return err
			}
		}
		for number := range p.Samples {
			// Another one begins each time: who comes after whom must not matter.
			for at := range clients {
				taken, err := clients[(at+number)%len(clients)].sample(k, number)
				if err != nil {
					return err
				}
				if err := out.Encode(taken); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func main() {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		fail(err)
	}
	if err := run(p); err != nil {
		fail(err)
	}
}
