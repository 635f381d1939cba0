package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfigs writes into dir a kubeconfig for the administrator
// (kubeconfig), the controller manager and the scheduler, each with its
// certificate of package pki inside. Server is the API server's URL.
func WriteKubeconfigs(dir, server string) error {
	for user, name := range map[string]string{
		"admin":              "kubeconfig",
		"controller-manager": "controller-manager.kubeconfig",
		"scheduler":          "scheduler.kubeconfig",
	} {
		if err := writeKubeconfig(dir, name, server, user); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

func writeKubeconfig(dir, name, server, user string) error {
	pem := map[string][]byte{"ca.crt": nil, user + ".crt": nil, user + ".key": nil}
	for f := range pem {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			return err
		}
		pem[f] = b
	}
	k := api.NewConfig()
	k.Clusters["localkube"] = &api.Cluster{Server: server, CertificateAuthorityData: pem["ca.crt"]}
	k.AuthInfos[user] = &api.AuthInfo{ClientCertificateData: pem[user+".crt"], ClientKeyData: pem[user+".key"]}
	k.Contexts["localkube"] = &api.Context{Cluster: "localkube", AuthInfo: user}
	k.CurrentContext = "localkube"
	return clientcmd.WriteToFile(*k, filepath.Join(dir, name))
}

// WriteWebhookConfig writes the file by which the API server finds the token
// webhook at url.
func WriteWebhookConfig(file, url string) error {
	k := api.NewConfig()
	k.Clusters["authn"] = &api.Cluster{Server: url}
	k.AuthInfos["apiserver"] = &api.AuthInfo{}
	k.Contexts["webhook"] = &api.Context{Cluster: "authn", AuthInfo: "apiserver"}
	k.CurrentContext = "webhook"
	if err := clientcmd.WriteToFile(*k, file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
