import { readFileSync } from 'node:fs'
import { askUsers, createAuthServer, directGrants, firstOf } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { makeWeb } from '@countersign/testing/world/web'
import { demoUsers, userDesk } from '@countersign/user-desk'

/** A request to this process, and its answer. */
export interface Call {
  readonly id: number
  readonly message: ReceivedMessage
}

export interface Answer {
  readonly id: number
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
}

// The process that a test kills: an auth server that is spoken to by messages instead of a socket.
const [database = '', documents = '', audit = 'off'] = process.argv.slice(2)
const web = new Map<string, unknown>(Object.entries(JSON.parse(readFileSync(documents, 'utf8'))))
const auth = await createAuthServer({
  issuer: 'https://auth.example',
  keys: [{ kid: 'a1', key: await generateSigningKey() }],
  database,
  // A new one at each start.
  knownKeys: 'replace',
  ...(audit === 'on' ? { audit: { key: await generateSigningKey() } } : {}),
  policy: firstOf(
    directGrants([
      {
        agent: 'https://agent.example',
        delegates: 'any',
        resource: 'https://calendar.example',
        scopes: ['events.read'],
      },
    ]),
    askUsers([{ agents: 'any', resources: 'any' }]),
  ),
  desk: userDesk({
    login: [
      demoUsers([
        { name: 'Ada', subject: 'ada' },
        { name: 'Grace', subject: 'grace' },
        ...Array.from({ length: 20 }, (_, n) => ({ name: `User ${n}`, subject: `u${n}` })),
      ]),
    ],
  }),
  deviceFlow: 'any',
  development: true,
  exchange: {
    rules: (['direct', 'consent'] as const).map(decision => ({
      upstream: 'https://one.example',
      middle: 'https://calendar.example',
      downstream: 'https://rooms.example',
      upstreamScopes: ['events.write'],
      scopes: [decision === 'direct' ? 'rooms.read' : 'rooms.book'],
      decision,
    })),
    dangerouslySharedSubjects: ['https://one.example'],
  },
  discovery: createDiscovery({ fetcher: makeWeb(web).fetcher }),
})

process.on('disconnect', () => process.exit(0))
process.on('message', (call: Call | 'exhaust') => {
  if (call === 'exhaust') {
    const taken: object[] = []
    for (;;) taken.push(Array.from({ length: 1000 }, (_, index) => ({ index })))
  }
  const answered = auth.handle(call.message).then(async response => {
    const { status, headers } = response
    const answer: Answer = { id: call.id, status, headers: [...headers], body: await response.text() }
    process.send?.(answer)
  })
  answered.catch(error => {
    throw error
  })
})
process.send?.('ready')
