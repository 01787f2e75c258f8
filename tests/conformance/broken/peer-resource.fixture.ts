import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { root, type Stand } from '../../processes.fixture.js'
import { playedParticipants } from '../judged.fixture.js'
import { type Subject, startedNode } from '../site.fixture.js'
import { algorithms, bearerRoutes, lastingRoutes, siteRoutes, specialRoutes } from '../site-offers.fixture.mjs'
import type { PeerChange } from './broken-peer.js'

const program = join(root, 'packages/conformance/dist/peer/resource/main.js')
const [otherAuthority, corsOrigin] = ['other.localhost:4000', 'http://app.example']

const behind = { route: 'pseudonymous POST /failing-behind', fails: true }

/** Starts the reference peer of the role resource, perhaps with one line changed. */
export async function startResource(place: Stand, change?: PeerChange): Promise<Subject> {
  const participants = await playedParticipants()
  const port = await freePort()
  const settings = join(place.folder, 'peer.json')
  const [authServer, downstream, oauthServer] = ['authServer', 'downstream', 'oauthServer'].map(
    name => `http://localhost:${participants[name]?.port}`,
  )
  const counts = join(place.folder, 'counts')
  writeFileSync(
    settings,
    JSON.stringify({ port, authServers: [authServer], downstream, oauthServer, otherAuthority, corsOrigin, counts }),
  )
  await place.start('the peer', [program, settings], startedNode(change))
  const routes = [...siteRoutes, ...specialRoutes, ...lastingRoutes, ...bearerRoutes, behind]
  return {
    url: `http://localhost:${port}`,
    configuration: { participants, routes, algorithms, authorities: [otherAuthority], corsOrigin },
  }
}
