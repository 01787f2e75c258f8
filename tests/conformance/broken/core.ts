// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are words of the built files
import type { BrokenPeer } from './broken-peer.js'
import { own, shared } from './files.js'

const metadata: readonly BrokenPeer[] = [
  {
    clause: 'id.metadata.location',
    words: 'must be at `ID/.well-known/D`',
    file: shared('documents'),
    find: '${id}/.well-known/${role}',
    replace: '${id}/${role}.json',
    cases: ['DSC-17'],
    refuses: true,
  },
  {
    clause: 'id.metadata.self',
    words: 'these names and `jwks_uri` are required',
    file: shared('metadata-members'),
    find: 'const missing =',
    replace: 'document.jwks_uri ??= `${document.issuer}/jwks.json`; const missing =',
    cases: ['metadata.agent'],
  },
  {
    clause: 'id.metadata.self',
    words: 'must make a reader refuse the whole document',
    file: shared('metadata-members'),
    find: '!isRight(document[name])',
    replace: "name === 'jwks_uri' && !isRight(document[name])",
    cases: ['metadata.agent'],
  },
  {
    clause: 'id.metadata.self',
    words: 'Members that §6 does not name must be ignored',
    file: shared('metadata-members'),
    find: 'return missing ??',
    replace: 'return missing ?? Object.keys(document).find(name => /^x[-_]/.test(name)) ??',
    cases: ['metadata.agent', 'DSC-17'],
  },
  ...[
    ['value.length > 2048 ||', ''],
    ['|| !/^[!-~]+$/.test(value)', ''],
    ["|| value.includes('#')", ''],
    ["&& username === '' && password === ''", ''],
    ['return isIdentifier(origin) &&', 'return'],
    ['!URL.canParse(value) ||', "value.startsWith('/') || value === 'text' ? (value = 'http://localhost/') === '' :"],
  ].map(([find = '', replace = '']) => ({
    clause: 'id.metadata.self',
    words: 'A URL in metadata must be absolute',
    file: shared('metadata-members'),
    find,
    replace,
    cases: ['metadata.agent'],
  })),
  {
    clause: 'id.canonical',
    words: 'must not have a default port, a path, a slash at its end, or userinfo',
    file: shared('identifier'),
    find: 'origin !== value',
    replace: "origin !== value.replace(/\\/$/, '')",
    cases: ['SCH-06'],
  },
  {
    clause: 'metadata.resource',
    words: '`additional_signature_components` | list',
    file: own('metadata'),
    find: '[...new Set(routes.flatMap(({ components = [] }) => components))]',
    replace: "[...new Set(routes.flatMap(({ components = [] }) => components))].join(' ')",
    cases: ['metadata.resource', 'sig.covered.demanded'],
  },
]

const requests: readonly BrokenPeer[] = [
  {
    clause: 'sig.headers.no-fallback',
    words: 'if the selected signature fails, the request fails',
    file: own('main'),
    find: ': guarded(request, route, site);',
    replace:
      ": guarded(request, route, site).catch(() => guarded({ ...request, headers: request.headers.map(([name, value]) => [name, /^signature(-input)?$/i.test(name) ? value.replace(/^sig=.*?, sig2=/, 'sig=') : value]) }, route, site));",
    cases: ['SIG-26'],
  },
  {
    clause: 'sig.key.hwk',
    words: 'The key must be complete',
    file: shared('caller'),
    find: 'readKey(Object.fromEntries(signature.keyParameters)',
    replace: "readKey({ kty: 'OKP', ...Object.fromEntries(signature.keyParameters) }",
    cases: ['KEY-26'],
  },
  {
    clause: 'sig.target.form',
    words: 'It must answer 400 to two `Host` lines',
    file: shared('request'),
    find: "headerLines({ headers }, 'host').length !== 1",
    replace: "headerLines({ headers }, 'host').length < 1",
    cases: ['COV-24'],
  },
  {
    clause: 'sig.method.upper-case',
    words: 'A receiver must answer 400 to a method with a lower-case letter',
    file: shared('server'),
    find: "server.listen(port, '127.0.0.1',",
    replace:
      "process.getBuiltinModule('node:net').createServer(socket => socket.once('data', head => { socket.pause(); server.emit('connection', socket); socket.unshift(Buffer.from(head.toString('latin1').replace(/^[a-z]+/, method => method.toUpperCase()), 'latin1')); process.nextTick(() => socket.resume()); })).listen(port, '127.0.0.1',",
    cases: ['COV-47'],
  },
  {
    clause: 'sig.body.whole-head',
    words: 'must answer 431 to a header block',
    file: shared('server'),
    find: 'server.maxHeadersCount = 0;',
    replace: 'server.maxHeadersCount = 2000;',
    cases: ['sig.body.whole-head'],
  },
  {
    clause: 'sig.digest.match',
    words: 'A digest that comes twice must be refused',
    file: shared('body'),
    find: 'readDictionary(field)',
    replace: "readDictionary([...new Map(field.split(', ').map(one => [one.slice(0, 8), one])).values()].join(', '))",
    cases: ['sig.digest.match'],
  },
  {
    clause: 'sig.body.head-first',
    words: 'must also judge by the head what needs keys and lists',
    file: own('guard'),
    find: 'const caller = await identifyCaller(',
    replace:
      'const held = []; for await (const chunk of request.chunks) held.push(chunk); request = { ...request, chunks: held }; const caller = await identifyCaller(',
    cases: ['DIG-21'],
  },
  {
    clause: 'sig.body.head-first',
    words: 'must compare the digest and judge time again',
    file: shared('body'),
    find: 'checkTime(parameters, o.now());',
    replace: '',
    cases: ['sig.body.head-first'],
  },
  {
    clause: 'sig.body.head-first',
    words: 'must compare the digest and judge time again, that of the token too',
    file: own('guard'),
    find: 'whole.length > 0',
    replace: 'false',
    cases: ['sig.body.head-first'],
  },
  {
    clause: 'sig.body.head-first',
    words: 'Limits, policy and replay must wait for that last byte',
    file: own('guard'),
    find: 'const whole = route.isStream',
    replace:
      'if (route.limit !== undefined) site.limits.count(countedNames(route.path, request, caller), route.limit); const whole = route.isStream',
    cases: ['sig.body.head-first'],
  },
  {
    clause: 'sig.body.head-first',
    words: 'whose body never comes, or is another one, uses up nothing',
    file: own('guard'),
    find: '? Buffer.alloc(0)\n        : await readSignedBody(request,',
    replace:
      '? Buffer.alloc(0)\n        : await (async (...read) => { try { return await readSignedBody(...read); } catch (error) { site.replays.remember(signature, caller.key); throw error; } })(request,',
    cases: ['sig.body.head-first'],
  },
  {
    clause: 'sig.replay.after-checks',
    words: 'must be refused before it is remembered',
    file: own('guard'),
    find: '? Buffer.alloc(0)\n        : await readSignedBody(request,',
    replace:
      '? Buffer.alloc(0)\n        : await (async (...read) => { try { return await readSignedBody(...read); } catch (error) { if (error instanceof Refusal) site.replays.remember(signature, caller.key); throw error; } })(request,',
    cases: ['sig.replay.after-checks'],
  },
]

const keysAndChallenges: readonly BrokenPeer[] = [
  {
    clause: 'sig.alg.names',
    words: 'JOSE names must be written everywhere, also in `algs`',
    file: shared('key'),
    find: 'members: { algs: algorithms }',
    replace: "members: { algs: ['ed25519', 'ecdsa-p256-sha256'] }",
    cases: ['KEY-27'],
  },
  {
    clause: 'sig.alg.names',
    words: 'JOSE names must be written everywhere, also in `algs` and in metadata',
    file: own('metadata'),
    find: 'publishedKey(kid, key)',
    replace: "{ ...publishedKey(kid, key), alg: 'ed25519' }",
    cases: ['id.metadata.location'],
  },
  {
    clause: 'sig.alg.rsa-size',
    words: 'RSA keys under 2048 or over 4096 bits',
    file: shared('key'),
    find: 'bits < 2048',
    replace: 'bits < 1024',
    cases: ['sig.alg.rsa-size'],
  },
  {
    clause: 'sig.alg.rsa-size',
    words: 'with a public exponent that is even, under 65537',
    file: shared('key'),
    find: 'exponent < 65537n',
    replace: 'exponent < 3n',
    cases: ['sig.alg.rsa-size'],
  },
  {
    clause: 'sig.alg.rsa-size',
    words: 'or longer than 8 bytes',
    file: shared('key'),
    find: 'bytesOf(e).length > 8',
    replace: 'bytesOf(e).length > 16',
    cases: ['sig.alg.rsa-size'],
  },
  {
    clause: 'challenge.forbidden',
    words: 'the level named might be accepted',
    file: own('guard'),
    find: 'throw tokenChallenge(missing,',
    replace: "throw missing.with({ headers: { 'agent-auth': 'httpsig;identity=?1' } }); void (",
    cases: ['challenge.union-scope', 'AUT-10'],
  },
  {
    clause: 'challenge.identity-scopes',
    words: 'must ask again for those whose claims the token held',
    file: own('challenge'),
    find: "name !== 'openid' && isGranted(name, claims)",
    replace: 'isGranted(name, claims)',
    cases: ['challenge.union-scope'],
  },
  {
    clause: 'challenge.identity-scopes',
    words: 'must ask again for those whose claims the token held',
    file: own('challenge'),
    find: '...identity, ...needed',
    replace: '...needed',
    cases: ['challenge.union-scope'],
  },
]

const tokens: readonly BrokenPeer[] = [
  {
    clause: 'token.shape',
    words: 'must read JSON that is up to 16 levels deep',
    file: shared('json'),
    find: 'depth = 64',
    replace: 'depth = 15',
    cases: ['JWT-19'],
  },
  {
    clause: 'token.claims',
    words: 'Claims that they do not name must be ignored',
    file: shared('token'),
    find: 'const wrong = type.malformed(claims);',
    replace: 'const wrong = Object.keys(claims).find(name => !/^[a-z_]{3,}$/.test(name)) ?? type.malformed(claims);',
    cases: ['JWT-22', 'token.auth.claims'],
  },
  {
    clause: 'token.life',
    words: 'It must be more than 0',
    file: shared('token'),
    find: 'exp <= iat',
    replace: 'exp < iat',
    cases: ['JWT-15'],
  },
  {
    clause: 'token.auth.claims',
    words: 'At least one of the two must be there',
    file: shared('token'),
    find: "!isAbsent(claims['sub']) || !isAbsent(claims['scope'])",
    replace: 'true',
    cases: ['token.auth.claims'],
  },
]

/** Resources that break one sentence of §1 to §5 each. */
export const coreResources: readonly BrokenPeer[] = [...metadata, ...requests, ...keysAndChallenges, ...tokens]

/** Agents that do so. */
export const coreAgents: readonly BrokenPeer[] = [
  {
    clause: 'sig.key.jwt-type',
    words: 'An agent that gets `AAuth-Requirement` instead of `Agent-Auth` must stop and say the same',
    file: 'conformance/dist/peer/agent/call.js',
    find: "throw new GaveUp('the resource is of a later edition')",
    replace: 'return identify(climb)',
    cases: ['sig.key.jwt-type'],
  },
  {
    clause: 'sig.key.jwt-type',
    words: 'An agent that gets `AAuth-Requirement` instead of `Agent-Auth` must stop and say the same',
    file: 'conformance/dist/peer/agent/call.js',
    find: "'the resource is of a later edition'",
    replace: '`the answer is ${response.status}, and that is final`',
    cases: ['sig.key.jwt-type'],
  },
]
