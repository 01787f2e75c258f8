import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { root, type Stand } from '../../processes.fixture.js'
import { authServerOffers, authServerSettings, playedAroundAuthServer } from '../auth-server-settings.fixture.mjs'
import { type Subject, startedNode } from '../site.fixture.js'
import type { PeerChange } from './broken-peer.js'

const program = join(root, 'packages/conformance/dist/peer/auth-server/main.js')

/** Starts the reference peer of the role auth server, perhaps with one line changed. Its settings are those of ours. */
export async function startAuthServerPeer(place: Stand, change?: PeerChange): Promise<Subject> {
  const participants: Record<string, { port: number }> = {}
  for (const name of playedAroundAuthServer) participants[name] = { port: await freePort() }
  const port = await freePort()
  const id = `http://localhost:${port}`
  const settings = join(place.folder, 'peer.json')
  writeFileSync(settings, JSON.stringify({ id, port, ...authServerSettings(id, participants) }))
  await place.start('the peer', [program, settings], startedNode(change))
  return { url: id, configuration: authServerOffers(participants, '/account') }
}
