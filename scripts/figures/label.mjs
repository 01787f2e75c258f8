// What a figure says of a message. Values that differ from run to run, such as tokens, are left out.

/**
 * The lines of a message, and what its sender shows: `anonymous` to `authorized`, or undefined for an answer.
 * @returns {{ lines: readonly string[], shows?: string, note?: string }}
 */
export function labelOf({ says, request, response }) {
  if (says !== undefined) return { lines: [says] }
  return request === undefined ? { lines: answerLines(response) } : requestLabel(request)
}

const shown = {
  anonymous: 'unsigned',
  pseudonymous: 'signed, with its bare key',
  identified: 'signed, and says who it is',
  authorized: 'signed, with the auth token',
}

function requestLabel({ method, target, headers, text }) {
  const shows = levelOf(headers.get('signature-key'))
  return {
    lines: [`${method} ${target}${detailOf(headers.get('content-type') ?? '', text)}`],
    shows,
    note: shown[shows],
  }
}

/** The level that a request reaches, by its Signature-Key. */
export function levelOf(key) {
  if (key === null) return 'anonymous'
  if (key.startsWith('sig=hwk;')) return 'pseudonymous'
  const [, jwt] = /;jwt="([^"]+)"/.exec(key) ?? []
  return jwt !== undefined && typeOf(jwt) === 'auth+jwt' ? 'authorized' : 'identified'
}

function typeOf(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url')).typ
}

const values = ['resource_token', 'upstream_token', 'code', 'refresh_token']

function detailOf(type, text) {
  if (type.startsWith('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams(text)
    return ` ${[`request_type=${form.get('request_type')}`, ...values.filter(name => form.has(name))].join(', ')}`
  }
  const { jsonrpc, method, params } = type.startsWith('application/json') && text !== '' ? JSON.parse(text) : {}
  return jsonrpc === undefined ? '' : ` ${[method, params?.name].filter(Boolean).join(' ')}`
}

function answerLines({ status, headers, text }) {
  const challenge = headers.get('agent-auth')
  if (challenge !== null) return [`${status} Agent-Auth: ${challenge.replace(/"eyJ[^"]*"/g, '"…"')}`]
  return [`${status} ${summaryOf(JSON.parse(text))}`]
}

function summaryOf(answer) {
  const given = ['request_token', 'auth_token'].filter(name => name in answer)
  if (given.length > 0) return given.join(', ')
  return JSON.stringify(answer.result?.content ?? answer)
}
