// Starts `rigspec lsp` for specs and for the files that `rigspec import` reads.
"use strict";

const { workspace } = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

const PATTERNS = [
  "**/*.toml",
  "**/*requirements*.{txt,in}",
  "**/{environment,conda-lock,compose,docker-compose}*.{yml,yaml}",
  "**/{Dockerfile,Containerfile}*",
  "**/uv.lock",
  "**/devcontainer.json",
];

let client;

exports.activate = async function activate() {
  const [command, ...args] = workspace.getConfiguration("rigspec").get("command");
  client = new LanguageClient(
    "rigspec",
    "rigspec",
    { command, args, transport: TransportKind.stdio },
    { documentSelector: PATTERNS.map((pattern) => ({ scheme: "file", pattern })) },
  );
  await client.start();
};

exports.deactivate = function deactivate() {
  return client?.stop();
};
