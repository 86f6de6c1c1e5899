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
	"slices"
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

	// The evaluator makes much short-lived garbage, and the heap is small.
	gcPercent = 1000
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

// number finds the result among those known so far, or adds it.
func (a *answer) number(r result) int {
	for i := range a.Results {
		if slices.Equal(a.Results[i].Failed, r.Failed) && a.Results[i].Detail == r.Detail {
			return i
		}
	}
	a.Results = append(a.Results, r)
	return len(a.Results) - 1
}

// description is the line written for -describe.
type description struct {
	Library    string              `json:"library"`
	Newest     string              `json:"newest"`
	Versions   []string            `json:"versions"`
	Baseline   [][]string          `json:"baseline"`
	Restricted [][]string          `json:"restricted"`
	Overrides  map[string][]string `json:"overrides"`
}

// revision is one of upstream's check functions and the id of its check.
type revision struct {
	id     string
	check  policy.CheckPodFn
	result *policy.CheckResult
}

// run calls the check, once for each pod: the checks are pure functions of the pod, and the same
// function serves many versions.
func (r *revision) run(meta *metav1.ObjectMeta, spec *corev1.PodSpec) policy.CheckResult {
	if r.result == nil {
		result := r.check(meta, spec)
		r.result = &result
	}
	return *r.result
}

// judge holds upstream's evaluator and what it runs at each level and version. It is not for more
// than one goroutine.
type judge struct {
	evaluator policy.Evaluator
	revisions []*revision
	versions  []api.Version
	newest    string
	order     map[api.Level][][]int // for each version the indices of the revisions, as they run
}

// newJudge builds the evaluator as upstream's webhook does: of the default checks and without an
// emulation version, so that "latest" is the newest version the library knows.
func newJudge() (*judge, error) {
	j := &judge{order: map[api.Level][][]int{}}
	checks := policy.DefaultChecks()
	minor, err := newestMinor(checks)
	if err != nil {
		return nil, err
	}
	j.newest = fmt.Sprintf("1.%d", minor)
	for i := 0; i <= minor; i++ {
		j.versions = append(j.versions, api.MajorMinorVersion(1, i))
	}
	j.versions = append(j.versions, api.LatestVersion())
	if err := j.findOrder(); err != nil {
		return nil, err
	}
	j.wrap(checks)
	j.evaluator, err = policy.NewEvaluator(checks, nil)
	return j, err
}

// wrap puts run in the place of every check function.
func (j *judge) wrap(checks []policy.Check) {
	for _, check := range checks {
		for k := range check.Versions {
			r := &revision{id: string(check.ID), check: check.Versions[k].CheckPod}
			j.revisions = append(j.revisions, r)
			check.Versions[k].CheckPod = r.run
		}
	}
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

// findOrder asks upstream's registry what it runs: the results of an evaluator carry no ids, so
// another evaluator is built of the same checks, whose functions only tell which they are.
func (j *judge) findOrder() error {
	checks := policy.DefaultChecks()
	count := 0
	for _, check := range checks {
		for k := range check.Versions {
			check.Versions[k].CheckPod = tell(count)
			count++
		}
	}
	teller, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		return err
	}
	for _, level := range levels {
		for _, version := range j.versions {
			told := teller.EvaluatePod(api.LevelVersion{Level: level, Version: version}, nil, nil)
			indices := make([]int, len(told))
			for i := range told {
				if indices[i], err = strconv.Atoi(told[i].ForbiddenReason); err != nil {
					return err
				}
			}
			j.order[level] = append(j.order[level], indices)
		}
	}
	return nil
}

func tell(index int) policy.CheckPodFn {
	return func(*metav1.ObjectMeta, *corev1.PodSpec) policy.CheckResult {
		return policy.CheckResult{ForbiddenReason: strconv.Itoa(index)}
	}
}

// describe tells what is judged without judging anything.
func (j *judge) describe() description {
	d := description{
		Library:    libraryVersion(),
		Newest:     j.newest,
		Baseline:   j.ids(api.LevelBaseline),
		Restricted: j.ids(api.LevelRestricted),
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

// ids are the names of what runs at a level, for each version.
func (j *judge) ids(level api.Level) [][]string {
	all := [][]string{}
	for _, indices := range j.order[level] {
		ids := []string{}
		for _, index := range indices {
			ids = append(ids, j.revisions[index].id)
		}
		all = append(all, ids)
	}
	return all
}

// pod judges one pod at both levels and every version.
func (j *judge) pod(pod *corev1.Pod) (answer, error) {
	for _, r := range j.revisions {
		r.result = nil
	}
	a := answer{Newest: j.newest, Results: []result{}}
	known := map[string]int{}
	for _, level := range levels {
		numbers := make([]int, len(j.versions))
		for i, version := range j.versions {
			lv := api.LevelVersion{Level: level, Version: version}
			results := j.evaluator.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec)
			failed, err := failures(results, j.order[level][i])
			if err != nil {
				return a, fmt.Errorf("%s: %w", lv, err)
			}
			number, ok := known[string(failed)]
			if !ok {
				number = a.number(j.result(results, failed))
				known[string(failed)] = number
			}
			numbers[i] = number
		}
		if level == api.LevelBaseline {
			a.Baseline = numbers
		} else {
			a.Restricted = numbers
		}
	}
	return a, nil
}

// failures are the indices of the revisions that failed. Whether the pod is allowed is for
// upstream's aggregate to say; they must agree with it.
func failures(results []policy.CheckResult, order []int) ([]byte, error) {
	if len(results) != len(order) {
		return nil, fmt.Errorf("%d results of %d checks", len(results), len(order))
	}
	failed := []byte{}
	for i := range results {
		if !results[i].Allowed {
			failed = append(failed, byte(order[i]))
		}
	}
	if policy.AggregateCheckResults(results).Allowed != (len(failed) == 0) {
		return nil, errors.New("the aggregate and its parts disagree")
	}
	return failed, nil
}

// result puts the failures into words: the ids and upstream's messages.
func (j *judge) result(results []policy.CheckResult, failed []byte) result {
	total := policy.AggregateCheckResults(results)
	r := result{Failed: []string{}, Reason: total.ForbiddenReason(), Detail: total.ForbiddenDetail()}
	for _, index := range failed {
		r.Failed = append(r.Failed, j.revisions[index].id)
	}
	slices.Sort(r.Failed)
	return r
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

// stream answers all lines, in order, with a judge for every processor.
func stream(in io.Reader, out io.Writer) error {
	workers := runtime.GOMAXPROCS(0)
	jobs := make(chan job)
	ordered := make(chan job, 4*workers)
	for range workers {
		j, err := newJudge()
		if err != nil {
			return err
		}
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
	if !*describe {
		debug.SetGCPercent(gcPercent)
		if err := stream(os.Stdin, os.Stdout); err != nil {
			fail(err)
		}
		return
	}
	j, err := newJudge()
	if err != nil {
		fail(err)
	}
	if _, err := os.Stdout.Write(encode(j.describe())); err != nil {
		fail(err)
	}
}
