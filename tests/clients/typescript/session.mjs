// Calls tools as a client of the TypeScript SDK does, and prints what its caller would see.
// Standard input: {"stdio": {command, args, env}} or {"url": …}, with "calls": [{name, arguments}].
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const { stdio, url, calls } = JSON.parse(readFileSync(0, 'utf8'));
const transport = stdio
  ? new StdioClientTransport(stdio)
  : new StreamableHTTPClientTransport(new URL(url));
const client = new Client({ name: 'session', version: '1' });
await client.connect(transport);
await client.listTools(); // from now on the client holds each answer against its schema
const seen = [];
for (const call of calls) {
  try {
    seen.push(await client.callTool(call));
  } catch (error) {
    seen.push({ thrown: String(error.message) });
  }
}
await client.close();
console.log(JSON.stringify(seen));
