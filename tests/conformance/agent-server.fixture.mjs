// An agent server that enrols delegates in all three ways, in a process of its own: agent-server.fixture.mjs PORT OIDC-ISSUER CODES-FILE LIMITED-CODES-FILE

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { codes, createAgentServer, oidc, session } from '@countersign/agent-server'
import { mountNode } from '@countersign/server'

const [port, issuer, codesFile, limitedCodesFile] = process.argv.slice(2)
const id = `http://localhost:${port}`
const sessions = new Map([['sid=session-of-ada', { user: 'ada', device: 'laptop' }]])
const cookieOf = ({ headers }) => headers.find(([name]) => name.toLowerCase() === 'cookie')?.[1]
const server = await createAgentServer({
  id,
  development: true,
  database: 'sqlite::memory:',
  enrollment: [
    codes(),
    oidc({ issuers: [{ issuer, name: 'suite', subjects: ['workload'], delegate: ['jti'] }] }),
    session({ authenticate: message => sessions.get(cookieOf(message)) }),
  ],
})
const invited = []
for (let at = 0; at < 60; at++) invited.push((await server.invite({ sub: `delegate-${at}` })).code)
writeFileSync(codesFile, invited.join('\n'))
const delegation = {
  conditions: [{ type: 'scopes', any: ['conformance.read'] }],
  receivers: ['https://api.example', 'https://auth.example'],
}
const limited = [
  await server.invite({ sub: 'limited-1', delegation }),
  await server.invite({ sub: 'limited-2', delegation }),
]
writeFileSync(limitedCodesFile, limited.map(({ code }) => code).join('\n'))
const mounted = mountNode(server)
createServer(async (request, response) => {
  if (!(await mounted(request, response))) response.writeHead(404).end()
}).listen(Number(port), '127.0.0.1', () => console.log(`agent server ready at ${id}`))
