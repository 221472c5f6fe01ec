// Compiles each schema of standard input, {name: schema}, in Ajv's strict mode for 2020-12.
// Prints {name: complaint} for those that it refuses.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';

const refused = {};
for (const [name, schema] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  try {
    new Ajv2020.default({ strict: true, validateSchema: true }).compile(schema);
  } catch (error) {
    refused[name] = error.message;
  }
}
console.log(JSON.stringify(refused));
