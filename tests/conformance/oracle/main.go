// Command oracle judges pods with upstream's own Pod Security evaluator.
//
// It reads one JSON object per line from standard input, {"pod": {"metadata": {...}, "spec": {...}}},
// and writes one JSON object per line to standard output, in the same order. A pod is decoded into
// k8s.io/api/core/v1.Pod by sigs.k8s.io/json (case-sensitive, unknown fields ignored), the decoder
// behind the codecs of upstream's webhook; a pod which does not decode gives {"error": "..."}.
//
// Every other answer is
//
//	{"newest": "1.37", "results": [{"failed": [...], "reason": "...", "detail": "..."}, ...],
//	 "baseline": [i0, i1, ..., iN, iLatest], "restricted": [...]}
//
// where the numbers index "results" (each distinct result once), one number for every policy
// version v1.0 ... v1.N and a last one for "latest". "failed" is the sorted list of the ids of the
// checks that failed; "reason" and "detail" are upstream's ForbiddenReason() and ForbiddenDetail().
//
// With -describe it prints one object instead: the versions of the library and of the policies, and
// the ids of the checks that run at each level and version, in the order in which they run.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
)

const (
	library   = "k8s.io/pod-security-admission"
	batchSize = 32
)

var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

// result is one distinct outcome: what failed and what upstream says about it.
type result struct {
	Failed []string `json:"failed"`
	Reason string   `json:"reason"`
	Detail string   `json:"detail"`
}

// answer is the line written for one pod.
type answer struct {
	Newest     string   `json:"newest"`
	Results    []result `json:"results"`
	Baseline   []int    `json:"baseline"`
	Restricted []int    `json:"restricted"`
}

// description is the line written for -describe.
type description struct {
	Library    string              `json:"library"`
	Newest     string              `json:"newest"`
	Versions   []string            `json:"versions"`
	Baseline   [][]policy.CheckID  `json:"baseline"`
	Restricted [][]policy.CheckID  `json:"restricted"`
	Overrides  map[string][]string `json:"overrides"`
}

// judge holds upstream's evaluator and the order of the checks in its answers.
type judge struct {
	evaluator policy.Evaluator
	versions  []api.Version
	newest    string
	order     map[api.Level][][]policy.CheckID
}

// newJudge builds the evaluator exactly as upstream's webhook does: the default checks and no
// emulation version, so that "latest" is the newest version the library knows.
func newJudge() (*judge, error) {
	checks := policy.DefaultChecks()
	evaluator, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		return nil, err
	}
	minor, err := newestMinor(checks)
	if err != nil {
		return nil, err
	}
	j := &judge{evaluator: evaluator, newest: fmt.Sprintf("1.%d", minor)}
	for i := 0; i <= minor; i++ {
		j.versions = append(j.versions, api.MajorMinorVersion(1, i))
	}
	j.versions = append(j.versions, api.LatestVersion())
	j.order, err = checkOrder(j.versions)
	return j, err
}

// libraryVersion is the version of upstream's module that this program was built with.
func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == library {
			return module.Version
		}
	}
	return ""
}

// newestMinor is the greater of the minor version of the library's release (v0.37.2 belongs to
// Kubernetes 1.37) and the newest version that any of the checks names.
func newestMinor(checks []policy.Check) (int, error) {
	parts := strings.Split(libraryVersion(), ".")
	if len(parts) < 3 {
		return 0, fmt.Errorf("no version of %s in the build information", library)
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, err
	}
	for _, check := range checks {
		for _, revision := range check.Versions {
			minor = max(minor, revision.MinimumVersion.Minor())
		}
	}
	return minor, nil
}

// checkOrder asks upstream's registry which checks it runs, and in which order: the results of the
// evaluator carry no ids, so a second evaluator is built of the same checks whose functions are
// replaced by ones which only tell their id.
func checkOrder(versions []api.Version) (map[api.Level][][]policy.CheckID, error) {
	checks := policy.DefaultChecks()
	for i := range checks {
		for k := range checks[i].Versions {
			checks[i].Versions[k].CheckPod = tellID(checks[i].ID)
		}
	}
	teller, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		return nil, err
	}
	order := map[api.Level][][]policy.CheckID{}
	for _, level := range levels {
		for _, version := range versions {
			ids := []policy.CheckID{}
			lv := api.LevelVersion{Level: level, Version: version}
			for _, told := range teller.EvaluatePod(lv, nil, nil) {
				ids = append(ids, policy.CheckID(told.ForbiddenReason))
			}
			order[level] = append(order[level], ids)
		}
	}
	return order, nil
}

func tellID(id policy.CheckID) policy.CheckPodFn {
	return func(*metav1.ObjectMeta, *corev1.PodSpec) policy.CheckResult {
		return policy.CheckResult{ForbiddenReason: string(id)}
	}
}

// describe tells what is judged without judging anything.
func (j *judge) describe() description {
	d := description{
		Library:    libraryVersion(),
		Newest:     j.newest,
		Baseline:   j.order[api.LevelBaseline],
		Restricted: j.order[api.LevelRestricted],
		Overrides:  map[string][]string{},
	}
	for _, version := range j.versions {
		d.Versions = append(d.Versions, version.String())
	}
	for _, check := range policy.DefaultChecks() {
		for _, revision := range check.Versions {
			for _, id := range revision.OverrideCheckIDs {
				key := string(check.ID) + "@" + revision.MinimumVersion.String()
				d.Overrides[key] = append(d.Overrides[key], string(id))
			}
		}
	}
	return d
}

// pod judges one pod at both levels and every version.
func (j *judge) pod(pod *corev1.Pod) (answer, error) {
	a := answer{Newest: j.newest, Results: []result{}}
	known := map[string]int{}
	for _, level := range levels {
		for i, version := range j.versions {
			r, err := j.one(level, version, j.order[level][i], pod)
			if err != nil {
				return a, err
			}
			key := strings.Join(r.Failed, ",") + "\x00" + r.Detail
			at, ok := known[key]
			if !ok {
				at = len(a.Results)
				known[key] = at
				a.Results = append(a.Results, r)
			}
			if level == api.LevelBaseline {
				a.Baseline = append(a.Baseline, at)
			} else {
				a.Restricted = append(a.Restricted, at)
			}
		}
	}
	return a, nil
}

// one judges one pod at one level and version. Whether it is allowed is for upstream's aggregate to
// say; the ids must agree with it.
func (j *judge) one(
	level api.Level, version api.Version, order []policy.CheckID, pod *corev1.Pod,
) (result, error) {
	lv := api.LevelVersion{Level: level, Version: version}
	results := j.evaluator.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec)
	total := policy.AggregateCheckResults(results)
	r := result{Failed: []string{}, Reason: total.ForbiddenReason(), Detail: total.ForbiddenDetail()}
	if len(results) != len(order) {
		return r, fmt.Errorf("%s: %d results of %d checks", lv, len(results), len(order))
	}
	for i := range results {
		if !results[i].Allowed {
			r.Failed = append(r.Failed, string(order[i]))
		}
	}
	if total.Allowed != (len(r.Failed) == 0) {
		return r, fmt.Errorf("%s: the aggregate and its parts disagree", lv)
	}
	sort.Strings(r.Failed)
	return r, nil
}

// line answers one line of input; the answer ends in a newline.
func (j *judge) line(line []byte) []byte {
	var request struct {
		Pod *corev1.Pod `json:"pod"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(line, &request); err != nil {
		return encode(map[string]string{"error": err.Error()})
	}
	if request.Pod == nil {
		return encode(map[string]string{"error": "no pod"})
	}
	a, err := j.pod(request.Pod)
	if err != nil {
		fail(err)
	}
	return encode(a)
}

func encode(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		fail(err)
	}
	return buffer.Bytes()
}

// job is a batch of lines and the place for their answers.
type job struct {
	lines [][]byte
	done  chan []byte
}

func (j *judge) work(jobs <-chan job) {
	for job := range jobs {
		var out []byte
		for _, line := range job.lines {
			out = append(out, j.line(line)...)
		}
		job.done <- out
	}
}

// readJobs cuts the input into batches. A batch is closed when it is full or when nothing more has
// arrived yet, so that a caller may also send a single pod and wait for its answer.
func readJobs(in io.Reader, jobs chan<- job, ordered chan<- job) error {
	defer close(ordered)
	defer close(jobs)
	reader := bufio.NewReaderSize(in, 1<<20)
	var lines [][]byte
	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			lines = append(lines, line)
		}
		if len(lines) == batchSize || (len(lines) > 0 && (err != nil || reader.Buffered() == 0)) {
			next := job{lines: lines, done: make(chan []byte, 1)}
			ordered <- next
			jobs <- next
			lines = nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// stream answers all lines, in order, with every processor.
func (j *judge) stream(in io.Reader, out io.Writer) error {
	workers := runtime.GOMAXPROCS(0)
	jobs := make(chan job)
	ordered := make(chan job, 4*workers)
	for range workers {
		go j.work(jobs)
	}
	read := make(chan error, 1)
	go func() { read <- readJobs(in, jobs, ordered) }()
	for job := range ordered {
		if _, err := out.Write(<-job.done); err != nil {
			return err
		}
	}
	return <-read
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "oracle:", err)
	os.Exit(1)
}

func main() {
	describe := flag.Bool("describe", false, "print the versions and the checks, judge nothing")
	flag.Parse()
	j, err := newJudge()
	if err != nil {
		fail(err)
	}
	if *describe {
		if _, err := os.Stdout.Write(encode(j.describe())); err != nil {
			fail(err)
		}
		return
	}
	if err := j.stream(os.Stdin, os.Stdout); err != nil {
		fail(err)
	}
}
