// The suite's own agent, small and strict. Nothing imports it.
//   node main.js CONFIG.json METHOD none|link|code|pseudonym|other URL
//   node main.js CONFIG.json publish FOLDER
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from './call.js'
import { type How, kid, ownKey, type Settings } from './settings.js'

const [file = '', method = '', how = '', url = ''] = process.argv.slice(2)
const settings = JSON.parse(readFileSync(file, 'utf8')) as Settings

/** Writes the documents of the agent, to be served under its identifier. */
function publish(folder: string): void {
  const { id } = settings
  mkdirSync(join(folder, '.well-known'), { recursive: true })
  const metadata = { issuer: id, agent: id, jwks_uri: `${id}/jwks.json`, localhost_callback_allowed: true }
  writeFileSync(join(folder, '.well-known/aauth-agent'), JSON.stringify(metadata))
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [{ ...ownKey(settings).jwk, kid, use: 'sig' }] }))
}

if (method === 'publish') publish(how)
else
  call({ settings, how: how as How, method, url: new URL(url), body: method === 'POST' ? '{}' : undefined }).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : 'it failed')
      process.exit(1)
    },
  )
