import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { root, type Stand } from '../../processes.fixture.js'
import type { AgentSubject } from '../servers.fixture.js'
import { startedNode } from '../site.fixture.js'
import type { PeerChange } from './broken-peer.js'

const peer = join(root, 'packages/conformance/dist/peer/agent/main.js')

/** The reference peer of the role agent, perhaps with one line changed. The suite serves its documents. */
export async function peerAgent(place: Stand, change?: PeerChange): Promise<AgentSubject> {
  const [authServer, otherAuthServer] = [await freePort(), await freePort()]
  const identity = `http://localhost:${await freePort()}`
  const [settings, site] = [join(place.folder, 'peer.json'), join(place.folder, 'site')]
  const authServers = [`http://localhost:${authServer}`]
  const state = join(place.folder, 'tokens')
  writeFileSync(settings, JSON.stringify({ id: identity, secret: place.folder, authServers, state, browser: ['true'] }))
  execFileSync(process.execPath, [peer, settings, 'publish', site])
  const { program, env } = startedNode(change)
  const given = Object.entries(env).map(([name, value]) => `${name}=${value ?? 'null'}`)
  const calling = (method: string, how: string): string[] => ['env', ...given, ...program, peer, settings, method, how]
  return {
    command: calling('GET', 'none'),
    configuration: {
      participants: { authServer: { port: authServer }, otherAuthServer: { port: otherAuthServer } },
      identity,
      site,
      post: calling('POST', 'none'),
      interactive: calling('GET', 'link'),
      device: calling('GET', 'code'),
      approve: calling('POST', 'link'),
      unidentified: calling('GET', 'pseudonym'),
      otherUser: calling('GET', 'other'),
    },
  }
}
