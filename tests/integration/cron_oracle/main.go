// Cron-oracle answers what Kubernetes makes of a schedule, with the parser that Kubernetes uses.
//
// It reads one JSON question a line and writes one JSON answer a line. Its one argument is a
// regular expression; each answer says whether the expression matches, by Go's own engine.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

type question struct {
	Expr  string `json:"expr"`
	Zone  string `json:"zone"`
	After int64  `json:"after"` // Unix seconds
	Count int    `json:"count"`
}

type answer struct {
	Error   string  `json:"error"`   // why the API server refuses it, or empty
	Times   []int64 `json:"times"`   // the next runs, Unix seconds
	Matches bool    `json:"matches"` // what the regular expression says
}

func main() {
	pattern := regexp.MustCompile(os.Args[1])
	questions := bufio.NewScanner(os.Stdin)
	questions.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	answers := json.NewEncoder(out)
	for questions.Scan() {
		var q question
		if err := json.Unmarshal(questions.Bytes(), &q); err != nil {
			log.Fatal(err)
		}
		a := answerTo(q)
		a.Matches = pattern.MatchString(q.Expr)
		if err := answers.Encode(a); err != nil {
			log.Fatal(err)
		}
	}
	if err := questions.Err(); err != nil {
		log.Fatal(err)
	}
}

func answerTo(q question) answer {
	// The API server refuses a zone in the schedule; its controller then puts one in itself.
	if strings.Contains(q.Expr, "TZ") {
		return answer{Error: "cannot use TZ or CRON_TZ in schedule"}
	}
	if _, err := cron.ParseStandard(q.Expr); err != nil {
		return answer{Error: err.Error()}
	}
	schedule, err := cron.ParseStandard("TZ=" + q.Zone + " " + q.Expr)
	if err != nil {
		log.Fatal(err)
	}
	a := answer{Times: []int64{}}
	moment := time.Unix(q.After, 0).UTC()
	for len(a.Times) < q.Count {
		moment = schedule.Next(moment)
		if moment.IsZero() {
			break
		}
		a.Times = append(a.Times, moment.Unix())
	}
	return a
}
