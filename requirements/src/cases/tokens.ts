import { type AttackCase, built, later } from './attack-case.js'

/** JWT: parsing, common to all tokens. */
export const jwtCases: readonly AttackCase[] = [
  built('JWT-01', 'token.signature', 'A token with valid claims and a wrong signature is refused.'),
  built('JWT-02', 'token.crit', 'A token with `crit` of any form is refused.'),
  built('JWT-03', 'token.crit', 'A token with `b64` is refused.'),
  built('JWT-04', 'token.duplicates', 'A member that comes twice in header or payload is refused.'),
  built('JWT-06', 'token.shape', 'A header or payload that is no clean UTF-8 JSON object is refused.'),
  built('JWT-08', 'token.issuer', 'An `iss` that is no String is refused.'),
  built('JWT-09', 'token.issuer', 'An `iss` that merely looks like the trusted one is refused.'),
  built('JWT-11', 'token.claims', 'An `aud` that is missing, empty or of the wrong form is refused.'),
  built('JWT-12', 'token.times', 'An `exp` that is missing or no sane integer is refused.'),
  built('JWT-13', 'token.times', 'A token whose `exp` is now is expired; one second later it is not.'),
  built('JWT-14', 'token.life', 'A token of excessive life is refused.'),
  built('JWT-15', 'token.times', '`iat` or `nbf` in the future, or after `exp`, is refused.'),
  built('JWT-16', 'token.typ', 'A `typ` that is not exactly the expected one is refused.'),
  built('JWT-17', 'token.headers', '`zip`, `cty` and `enc` never cause any decoding.'),
  built('JWT-18', 'token.size', 'A huge token, or one of many dots, is refused before it is parsed.'),
  built('JWT-19', 'token.shape', 'Deep JSON inside an ignored claim overflows no stack: 16 levels are read.'),
  built('JWT-21', 'token.claims', 'A claim of the wrong type is refused without a server error.'),
  built('JWT-22', 'token.claims', 'Unknown claims, any member order, spaces and non-ASCII names are accepted.'),
  built(
    'JWT-24',
    'sig.key.jwt-type',
    'A JWT in `Signature-Key` of another `typ`, or without one, is refused unfetched.',
  ),
  built('JWT-25', 'sig.key.jwt-type', 'A token of a later edition in `Signature-Key` is told as such.'),
]

/** AGT: agent tokens. */
export const agentTokenCases: readonly AttackCase[] = [
  built('AGT-01', 'token.signature', "An agent token signed by the delegate's own key is refused."),
  built('AGT-02', 'token.signature', 'An agent token signed by any other participant is refused.'),
  built('AGT-03', 'id.metadata.self', 'An agent token whose issuer has no `aauth-agent` naming itself is refused.'),
  built('AGT-04', 'limits.ids', 'A `sub` that is missing, empty, too long or holds controls is refused.'),
  built('AGT-05', 'token.agent.aud', 'An agent token whose `aud` does not name the receiver exactly is refused.'),
  built('AGT-06', 'token.binding', 'A stolen agent token under another key is refused.'),
  built('AGT-07', 'token.typ', 'An agent token in the place of any other token is refused.'),
  built('AGT-08', 'token.signature', 'A delegate cannot issue agent tokens to further delegates.'),
  built('AGT-12', 'token.agent.sub', 'A delegate that comes back with a new key and the same `sub` is accepted.'),
  built('AGT-13', 'token.claims', 'Delegates of two agents with one `sub` are distinct everywhere.'),
]

/** RST: resource tokens, checked at the auth server and issued at the resource. */
export const resourceTokenCases: readonly AttackCase[] = [
  built('RST-01', 'auth.resource-token.key', "A resource token not signed by its resource's published key is refused."),
  built('RST-02', 'token.typ', 'Another token in the place of a resource token is refused.'),
  built('RST-03', 'auth.resource-token.aud', 'A resource token for another auth server, several or none is refused.'),
  built('RST-04', 'auth.resource-token.caller', 'A resource token issued to another agent is refused.'),
  built('RST-05', 'auth.resource-token.jkt', 'A resource token for another key or a malformed thumbprint is refused.'),
  built('RST-06', 'auth.resource-token.jkt', 'The thumbprint matches whatever the order and extra members of the JWK.'),
  built('RST-07', 'auth.resource-token.caller', 'A resource token of a sibling delegate is refused.'),
  built('RST-08', 'token.resource.life', 'A resource token expired or of excessive life is refused.'),
  built('RST-09', 'token.resource.request', 'A resource token with neither or both kinds of request is refused.'),
  built('RST-10', 'id.metadata.self', 'A resource token is never accepted without sound metadata of its issuer.'),
  built('RST-11', 'auth.resource-token.date', 'The same resource token may be presented again while in date.'),
  built('RST-12', 'auth.one-request', 'A scope parameter beside a resource token is refused.'),
  built(
    'RST-13',
    'error.invalid-scope',
    'Malformed, duplicate and excessive scopes are refused without a server error.',
  ),
  later('RST-15', 'auth-request.document', 'An auth request URL elsewhere than at its resource is refused.'),
  built('RST-18', 'resource-token-endpoint.signed', 'An unsigned or pseudonymous caller gets no resource token.'),
  built('RST-19', 'token.resource.bound', 'Parameters cannot change to whom a resource token is bound.'),
  built('RST-21', 'resource-token-endpoint.scope', 'A scope the resource does not know is refused.'),
  built('RST-22', 'challenge.verified-only', 'No resource token is issued to a merely claimed identity.'),
  built(
    'RST-24',
    'auth.self.scope',
    'A resource token of the auth server itself, or that the asking agent made for itself, is refused.',
  ),
]

/** AUT: auth tokens at the resource. */
export const authTokenCases: readonly AttackCase[] = [
  built('AUT-01', 'token.signature', 'An auth token with a wrong signature or key is refused.'),
  built(
    'AUT-02',
    'trust.resource.auth-servers',
    'A perfect token of an unlisted auth server is refused, with no fetch.',
  ),
  built('AUT-03', 'token.auth.aud', 'An auth token for another resource, or several, is refused.'),
  built('AUT-04', 'token.binding', 'A stolen auth token under another key is refused.'),
  built('AUT-05', 'sig.required', 'An auth token is never a bearer credential.'),
  built('AUT-06', 'challenge.failed-auth-token', 'An auth token out of date is refused with a new challenge.'),
  built(
    'AUT-07',
    'token.auth.agent-absent',
    'An auth token without `agent` is refused at a resource that is not the agent.',
  ),
  built('AUT-09', 'error.insufficient-scope', 'Scopes match exactly: no prefix, wildcard, case or list tricks.'),
  built('AUT-10', 'error.insufficient-scope', 'A token without scope does not pass where one is needed.'),
  built('AUT-11', 'challenge.auth-token', 'An agent token where an auth token is needed gets a resource token.'),
  built('AUT-12', 'token.typ', 'Other tokens of the same auth server are refused by their `typ`.'),
  built('AUT-13', 'token.shape', 'A refresh token in the place of an auth token is refused.'),
  built('AUT-16', 'limits.act', 'A malformed `act`, or one nested too deep, is refused.'),
  later('AUT-18', 'auth-request.encrypted', 'An encrypted token is validated in full inside.'),
  later('AUT-19', 'auth-request.encrypted', 'Weak, costly or nested encryption is refused within bounds.'),
  built('AUT-20', 'token.shape', 'A five-part token is refused without a server error.'),
  built('AUT-22', 'token.auth.life', 'An auth token of excessive life is refused, so that revocation takes effect.'),
  built('AUT-23', 'error.policy-denied', 'A blocked agent or delegate gets 403 and no resource token.'),
]
