import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ReceivedMessage } from '@countersign/httpsig'

/** A command of the test. */
export type Ask = { readonly id: number } & ({ readonly invite: string } | { readonly message: ReceivedMessage })

// An agent server of the build in ROOT, which receives messages instead of HTTP: ROOT DATABASE
const [root = '', database = ''] = process.argv.slice(2)
const built = pathToFileURL(join(root, 'packages/agent-server/dist/index.js')).href
const { createAgentServer } = (await import(built)) as typeof import('./index.js')
const server = await createAgentServer({ id: 'https://agent.example', database })

async function answer(ask: Ask): Promise<unknown> {
  if ('invite' in ask) return server.invite({ sub: ask.invite })
  const response = await server.handle(ask.message)
  return { status: response.status, body: await response.text() }
}

process.on('disconnect', () => process.exit(0))
process.on('message', (ask: Ask) => {
  answer(ask).then(
    answered => process.send?.({ id: ask.id, answered }),
    error => {
      throw error
    },
  )
})
process.send?.('ready')
