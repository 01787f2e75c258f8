import { checkOptions, each, type OptionChecks, restriction } from '@countersign/protocol/internal'
import type { OidcIssuer, OidcOptions } from './oidc-rule.js'

const issuerChecks: OptionChecks<OidcIssuer> = {
  issuer: 'string',
  name: 'string',
  subjects: restriction('strings'),
  // The names of claims are the issuer's; each rule is checked where it is read.
  claims: restriction('object'),
  audience: restriction('string'),
  delegate: 'strings',
  algorithms: restriction('strings'),
  jwksUri: 'string',
  jwks: { keys: each('object') },
  delegation: restriction('object'),
}

const oidcChecks: OptionChecks<OidcOptions> = { issuers: each({ ...issuerChecks }), fetcher: 'function' }

/** Refuses unknown members of rules: with a misspelt `claims`, every workload of the issuer could enrol. @throws TypeError */
export function checkOidcOptions(options: OidcOptions): void {
  checkOptions('oidc', options, oidcChecks, ['issuers'])
  for (const issuer of options.issuers) checkOptions('oidc', issuer, issuerChecks, ['issuer', 'subjects'])
}
