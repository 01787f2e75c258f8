import { checkOptions, each, type OptionChecks, restriction } from '@countersign/protocol'
import type { OidcIssuer, OidcOptions } from './oidc-rule.js'

const issuerChecks: OptionChecks<OidcIssuer> = {
  issuer: 'string',
  name: 'string',
  subjects: restriction('strings'),
  // By names of the issuer's own; each rule is judged where it is read.
  claims: restriction('object'),
  audience: restriction('string'),
  delegate: 'strings',
  algorithms: restriction('strings'),
  jwksUri: 'string',
  jwks: { keys: each('object') },
}

const oidcChecks: OptionChecks<OidcOptions> = { issuers: each({ ...issuerChecks }), fetcher: 'function' }

/** Refuses rules that do not say what they seem to: a misspelt `claims` would let every workload of the issuer enrol. @throws TypeError */
export function checkOidcOptions(options: OidcOptions): void {
  checkOptions('oidc', options, oidcChecks, ['issuers'])
  for (const issuer of options.issuers) checkOptions('oidc', issuer, issuerChecks, ['issuer', 'subjects'])
}
