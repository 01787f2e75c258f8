// What the suite starts as a client: it hands what the suite says to the test, and ends as the client there has ended.
//   node relay.fixture.mjs PORT SERVER
const [, , port, url] = process.argv
const { MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_PROTOCOL_VERSION: version } = process.env
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}')
const body = JSON.stringify({ scenario, version, context, url })
const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body })
console.error(await response.text())
process.exitCode = response.ok ? 0 : 1
