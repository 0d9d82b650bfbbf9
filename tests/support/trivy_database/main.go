// Makes a vulnerability database of Trivy's from a JSON file of advisories, with Trivy's own library.
package main

import (
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy-db/pkg/types"
	bolt "go.etcd.io/bbolt"
)

// Given is what the JSON file says.
type Given struct {
	UpdatedAt  time.Time
	NextUpdate time.Time
	Sources    map[string]types.DataSource
	Advisories []struct {
		Bucket   string
		Package  string
		ID       string
		Advisory types.Advisory
	}
	Vulnerabilities map[string]types.Vulnerability
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	check(err)
	var given Given
	check(json.Unmarshal(text, &given))
	folder := os.Args[2]
	check(db.Init(folder))
	config := db.Config{}
	check(config.BatchUpdate(func(tx *bolt.Tx) error {
		for bucket, source := range given.Sources {
			check(config.PutDataSource(tx, bucket, source))
		}
		for _, each := range given.Advisories {
			check(config.PutAdvisoryDetail(tx, each.ID, each.Package, []string{each.Bucket}, each.Advisory))
			check(config.SaveAdvisoryDetails(tx, each.ID))
		}
		for id, each := range given.Vulnerabilities {
			check(config.PutVulnerability(tx, id, each))
			check(config.PutVulnerabilityID(tx, id))
		}
		return nil
	}))
	check(db.Close())
	check(metadata.NewClient(folder).Update(metadata.Metadata{
		Version:    db.SchemaVersion,
		UpdatedAt:  given.UpdatedAt,
		NextUpdate: given.NextUpdate,
	}))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
