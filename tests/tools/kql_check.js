// Parses and binds Kusto queries: reads {tables: {name: "(column:type, ...)"}, queries: {name: text}} as JSON
// from standard input, writes {name: ["KS142 at 12: message", ...]} as JSON to standard output.
// argv[2] is the node_modules folder.
"use strict";
const fs = require("fs");
const path = require("path");

const library = path.join(path.resolve(process.argv[2]), "@kusto", "language-service-next");
require(path.join(library, "bridge.min.js"));
require(path.join(library, "Kusto.Language.Bridge.min.js"));

const { tables, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const { TableSymbol, DatabaseSymbol } = Kusto.Language.Symbols;
const members = Object.entries(tables).map(([name, schema]) => TableSymbol.From(schema).WithName(name));
const globals = Kusto.Language.GlobalState.Default.WithDatabase(new DatabaseSymbol.$ctor1("insights", members));

const found = {};
for (const [name, text] of Object.entries(queries)) {
  const diagnostics = Kusto.Language.KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  found[name] = [];
  for (let i = 0; i < diagnostics.Count; i++) {
    const { Code, Start, Message, Severity } = diagnostics.getItem(i);
    if (Severity === "Error" || Severity === "Warning") found[name].push(`${Code} at ${Start}: ${Message}`);
  }
}
process.stdout.write(JSON.stringify(found));
