import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { root, type Stand } from '../../processes.fixture.js'
import { type Subject, startedNode } from '../site.fixture.js'
import type { PeerChange } from './broken-peer.js'

const program = join(root, 'packages/conformance/dist/peer/agent-server/main.js')

/** Starts the reference peer of the role agent server, perhaps with one line changed. */
export async function startPeerAgentServer(place: Stand, change?: PeerChange): Promise<Subject> {
  const [port, issuer] = [await freePort(), await freePort()]
  const [settings, invited] = [join(place.folder, 'peer.json'), join(place.folder, 'codes.txt')]
  const limited = join(place.folder, 'limited-codes.txt')
  const codes = Array.from({ length: 60 }, (_, at) => `code-${at}-of-the-peer`)
  const cookie = 'sid=session-of-ada'
  const codesOfLimited = ['first-limited-code', 'second-limited-code']
  writeFileSync(invited, codes.join('\n'))
  writeFileSync(limited, codesOfLimited.join('\n'))
  writeFileSync(
    settings,
    JSON.stringify({
      port,
      codes,
      limited: {
        codes: codesOfLimited,
        delegation: [{ type: 'scopes', any: ['conformance.read'] }],
        receivers: ['https://api.example', 'https://auth.example'],
      },
      oidc: { issuer: `http://localhost:${issuer}`, sub: 'workload' },
      session: { cookie, user: 'ada' },
    }),
  )
  await place.start('the peer', [program, settings], startedNode(change))
  return {
    url: `http://localhost:${port}`,
    configuration: {
      invite: ['cat', invited],
      inviteWithConditions: ['cat', limited],
      oidc: { claims: { sub: 'workload' } },
      session: { headers: { cookie } },
      participants: { oidcIssuer: { port: issuer } },
    },
  }
}
