// What a visitor may try in the paste box: texts of docs/worked-messages.json, which are test vectors.
import { readFileSync } from 'node:fs'

/** The examples, from the vectors. */
export function pasteExamples() {
  const worked = JSON.parse(readFileSync(new URL('../../../docs/worked-messages.json', import.meta.url), 'utf8'))
  const keysAt = origin => JSON.stringify(worked.documents[`${origin}/.well-known/jwks.json`])
  const named = name => worked.messages.find(message => message.name === name)
  const [authorized, challenged, pseudonymous] = ['authorized', 'challenge', 'pseudonymous'].map(named)
  const changed = worked.refused.find(({ change }) => change === 'one byte of the body')
  const token = worked.tokens.find(({ first }) => first === 'policy-code' || first === 'policy-authorized')
  const tokens = worked.tokens.filter(({ header }) => header.typ === 'auth+jwt')
  const authToken = token?.header.typ === 'auth+jwt' ? token : tokens[0]
  const conditioned = worked.tokens.find(
    ({ claims }) => claims.delegation !== undefined || claims.constraints !== undefined,
  )
  const conditions = conditioned.claims.constraints ?? conditioned.claims.delegation
  const header = ({ response }, name) => response.headers.find(([known]) => known === name)[1]
  return [
    {
      title: 'A right request',
      text: rawRequest(authorized),
      time: authorized.time,
      keys: keysAt('https://auth.example'),
    },
    { title: 'One byte changed', text: rawRequest(changed), time: changed.time, keys: keysAt('https://auth.example') },
    { title: 'A token', text: authToken.jwt, time: authToken.claims.iat + 5, keys: keysAt(authToken.claims.iss) },
    {
      title: 'A challenge',
      text: `Agent-Auth: ${header(challenged, 'agent-auth')}`,
      time: challenged.time,
      keys: keysAt('https://calendar.example'),
    },
    { title: 'Conditions', text: JSON.stringify(conditions, undefined, 2), time: conditioned.claims.iat, keys: '' },
    { title: 'A signature base', text: pseudonymous.signature.base, time: pseudonymous.time, keys: '' },
  ]
}

function rawRequest({ request }) {
  const { method, target, headers, body = '' } = request
  return [`${method} ${target} HTTP/1.1`, ...headers.map(line => line.join(': ')), '', body].join('\n')
}

const id = 'virtual:paste-examples'

/** Gives the page the examples without the rest of the vectors. */
export function pasteExamplesPlugin() {
  return {
    name: 'paste-examples',
    resolveId: source => (source === id ? `\0${id}` : undefined),
    load: source => (source === `\0${id}` ? `export const examples = ${JSON.stringify(pasteExamples())}` : undefined),
  }
}
