import { join } from 'node:path'
import { agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { pathOf } from '@countersign/httpsig/internal'
import { createResource } from '@countersign/resource'
import { keysFile, type Participant, serve, type TracedExchange } from '@countersign/server'
import { honoParticipant } from './hono-participant.js'
import { webApp } from './web-app.js'

// The web app as a process of its own: `node web-app-process.js ID PORT AUTH_SERVER FOLDER`.
const [id = '', port = '', authServer = '', folder = ''] = process.argv.slice(2)
const keys = await keysFile(join(folder, 'keys.json'), { onMade: () => undefined })
const redirectUri = `${id}/signed-in`
const discovery = createDiscovery({
  fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }),
  development: true,
})
const server = await createAgentServer({
  id,
  keys,
  database: `sqlite:${join(folder, 'agent-server.db')}`,
  name: 'Playground Web App',
  redirectUris: [redirectUri],
  localhostCallbackAllowed: true,
  development: true,
})
const agent = createAgent({
  identity: agentServer({ id, key: () => server.signingKey() }),
  acceptAuthServer: [authServer],
  interact: callbackRoute({ redirectUri }),
  discovery,
  development: true,
})
const api = createResource({
  id,
  keys,
  authServers: [authServer],
  acceptOwnAgent: true,
  discovery,
  development: true,
})
const app = honoParticipant(id, webApp({ agent, authServer, api }))
const participant: Participant = {
  handle: message => (server.paths.includes(pathOf(message.target)) ? server.handle(message) : app.handle(message)),
  async ready() {
    await api.ready()
    await server.ready()
  },
  close: () => server.close(),
}
await serve({
  name: 'web-app',
  id,
  port: Number(port),
  development: true,
  participant,
  trace: (exchange: TracedExchange) => process.send?.(exchange),
})
// The playground has ended: this process must not outlive it.
process.once('disconnect', () => process.exit(0))
