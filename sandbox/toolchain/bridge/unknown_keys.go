package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// refuseUnknownKeys makes an error of each input that the plugin's schema does not have. The SDKs are newer than the
// upstream provider, and part of the bridge drops what it does not know without a word.
func refuseUnknownKeys(info *tfbridge.ProviderInfo, rawSchema []byte) error {
	var spec schema.PackageSpec
	if err := json.Unmarshal(rawSchema, &spec); err != nil {
		return fmt.Errorf("schema.json beside the plugin: %w (write it with -schema)", err)
	}
	for _, resourceInfo := range info.Resources {
		token := string(resourceInfo.Tok)
		known := spec.Resources[token].InputProperties
		resourceInfo.PreCheckCallback = func(_ context.Context, inputs, _ resource.PropertyMap) (resource.PropertyMap, error) {
			inputs = withoutOutputs(inputs, known, spec.Resources[token].Properties)
			unknown := unknownKeys(inputs, known, spec.Types, "")
			if len(unknown) == 0 {
				return inputs, nil
			}
			sort.Strings(unknown)
			return inputs, fmt.Errorf("%s: the upstream provider that this plugin is built from has no %s",
				token, strings.Join(unknown, ", "))
		}
	}
	return nil
}

// withoutOutputs leaves out what the schema has as an output alone: on an import, the engine hands back as inputs what the
// bridge has read, tagsAll among it. No SDK has an argument for these.
func withoutOutputs(inputs resource.PropertyMap, known, outputs map[string]schema.PropertySpec) resource.PropertyMap {
	kept := resource.PropertyMap{}
	for key, value := range inputs {
		_, isInput := known[string(key)]
		if _, isOutput := outputs[string(key)]; isInput || !isOutput {
			kept[key] = value
		}
	}
	return kept
}

type types = map[string]schema.ComplexTypeSpec

func unknownKeys(given resource.PropertyMap, known map[string]schema.PropertySpec, types types, path string) []string {
	var found []string
	for key, value := range given {
		name := string(key)
		if strings.HasPrefix(name, "__") { // The bridge's own notes.
			continue
		}
		if property, ok := known[name]; ok {
			found = append(found, unknownWithin(value, property.TypeSpec, types, path+name)...)
		} else {
			found = append(found, path+name)
		}
	}
	return found
}

func unknownWithin(value resource.PropertyValue, kind schema.TypeSpec, types types, path string) []string {
	var found []string
	switch {
	case value.IsSecret():
		return unknownWithin(value.SecretValue().Element, kind, types, path)
	case value.IsOutput():
		return unknownWithin(value.OutputValue().Element, kind, types, path)
	case value.IsObject() && strings.HasPrefix(kind.Ref, "#/types/"):
		properties := types[strings.TrimPrefix(kind.Ref, "#/types/")].Properties
		return unknownKeys(value.ObjectValue(), properties, types, path+".")
	case value.IsObject() && kind.AdditionalProperties != nil:
		for key, item := range value.ObjectValue() {
			found = append(found, unknownWithin(item, *kind.AdditionalProperties, types, path+"."+string(key))...)
		}
	case value.IsArray() && kind.Items != nil:
		for index, item := range value.ArrayValue() {
			found = append(found, unknownWithin(item, *kind.Items, types, fmt.Sprintf("%s[%d]", path, index))...)
		}
	}
	return found
}
