import { readFileSync } from 'node:fs'
import { codes, type Enrollment, type OidcIssuer, oidc } from '@countersign/agent-server'
import { UsageError } from '@countersign/fetch/internal'
import type { z } from 'zod'
import { defined } from '../../flags/defined.js'
import { checkedDelegation } from './delegation.js'
import type { oidcIssuer } from './oidc-issuer.js'

/** Enrolment by codes, and by tokens of the configured issuers. */
export function enrollmentOf(issuers: ReadonlyArray<z.infer<typeof oidcIssuer>>): {
  enrollment: readonly Enrollment[]
} {
  if (issuers.length === 0) return { enrollment: [codes()] }
  return { enrollment: [codes(), oidc({ issuers: issuers.map(issuerOf) })] }
}

function issuerOf({ jwksFile, ...issuer }: z.infer<typeof oidcIssuer>): OidcIssuer {
  const delegation =
    issuer.delegation && checkedDelegation(issuer.delegation, `oidc ${issuer.name ?? issuer.issuer}: delegation`)
  return defined({ ...issuer, delegation, jwks: jwksFile === undefined ? undefined : jwksIn(jwksFile) })
}

function jwksIn(path: string): NonNullable<OidcIssuer['jwks']> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    throw new UsageError(`cannot read the keys of an issuer in ${path}: it must hold a JWK Set`)
  }
}
