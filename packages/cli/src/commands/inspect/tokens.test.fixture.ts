import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jwks, signToken } from '@countersign/protocol'
import { holder, issuer, NOW } from './inspect.test.fixture.js'
import { type GivenKeys, readKeys } from './keys.js'

export const published = jwks([
  { kid: 'k0', key: holder },
  { kid: 'k1', key: issuer },
])
/** What `--key` makes of a file with this document. */
export async function keys(document: unknown = published): Promise<GivenKeys> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-inspect-'))
  try {
    const path = join(folder, 'keys.json')
    writeFileSync(path, JSON.stringify(document))
    return await readKeys(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const times = { iat: NOW, exp: NOW + 300 }
export const agentToken = await signToken({
  typ: 'agent+jwt',
  key: issuer,
  kid: 'k1',
  claims: { iss: 'https://agent.example', sub: 'laptop', cnf: { jwk: holder.publicJwk }, jti: 'j1', ...times },
})
export const resourceToken = await signToken({
  typ: 'resource+jwt',
  key: issuer,
  kid: 'k1',
  claims: {
    iss: 'https://calendar.example',
    aud: 'https://auth.example',
    agent: 'https://agent.example',
    agent_jkt: 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U',
    scope: 'events.read',
    jti: 'j2',
    ...times,
  },
})
export const authToken = await signToken({
  typ: 'auth+jwt',
  key: issuer,
  kid: 'k1',
  claims: {
    iss: 'https://auth.example',
    aud: 'https://calendar.example',
    agent: 'https://agent.example',
    sub: 'ada',
    scope: 'events.read',
    cnf: { jwk: holder.publicJwk },
    jti: 'j3',
    ...times,
  },
})

export const verdictOf = ({ lines }: { lines: readonly string[] }): string =>
  lines.filter(line => line.startsWith('verdict')).at(-1) ?? ''
