import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { root, type Stand } from '../../processes.fixture.js'
import { playedParticipants } from '../judged.fixture.js'
import { type Subject, startedNode } from '../site.fixture.js'
import { algorithms, siteRoutes, specialRoutes } from '../site-offers.fixture.mjs'
import type { PeerChange } from './broken-peer.js'

const program = join(root, 'packages/conformance/dist/peer/resource/main.js')
/** Special routes that the peer does not have. */
const absent = ['calls', 'oauth']

/** Starts the reference peer of the role resource, perhaps with one line changed. */
export async function startResource(place: Stand, change?: PeerChange): Promise<Subject> {
  const participants = await playedParticipants()
  const port = await freePort()
  const settings = join(place.folder, 'peer.json')
  writeFileSync(
    settings,
    JSON.stringify({ port, authServers: [`http://localhost:${participants['authServer']?.port}`] }),
  )
  await place.start('the peer', [program, settings], startedNode(change))
  const routes = [...siteRoutes, ...specialRoutes].filter(
    route => typeof route === 'string' || !absent.some(name => name in route),
  )
  return { url: `http://localhost:${port}`, configuration: { participants, routes, algorithms } }
}
