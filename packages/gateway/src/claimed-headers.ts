/**
 * Headers with which some proxies tell a server the caller's identity or address, or the original request. An API that was behind
 * such a proxy before trusts them, but here a caller has written them (spoofing).
 */
const names: ReadonlySet<string> = new Set([
  // The caller's address.
  'client-ip',
  'x-forwarded',
  'x-host',
  'cf-pseudo-ipv4',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-proxyuser-ip',
  'cdn-loop',
  // CGI programs get it as the variable HTTP_PROXY and would send their own requests through the caller's proxy (httpoxy).
  'proxy',
  // The caller's identity.
  'x-anonymous-consumer',
  'x-user',
  'x-username',
  'x-userid',
  'x-userinfo',
  'x-subject',
  'x-principal',
  'x-proxy-user',
  'x-endpoint-api-userinfo',
  'x-apigateway-api-userinfo',
  'x-rh-identity',
  'client-cert',
  'client-cert-chain',
  // The original request.
  'x-original-uri',
  'x-original-method',
  'x-script-name',
  'x-url-scheme',
  'x-scheme',
  'front-end-https',
  'x-accel-mapping',
  'x-sendfile-type',
  'x-waws-unencoded-url',
  'disguised-host',
  'base-url',
])

const beginnings: readonly string[] = [
  'x-forwarded-',
  'x-envoy-',
  'wl-proxy-',
  'x-arr-',
  'x-middleware-',
  'x-remote-',
  'remote-',
  'x-webauth-',
  'x-auth-request-',
  'x-auth-user',
  'x-auth-email',
  'x-auth-groups',
  'x-auth-roles',
  'x-auth-subject',
  'x-user-',
  'x-jwt-',
  'x-authenticated-',
  'x-authentik-',
  'x-goog-authenticated-user-',
  'x-goog-iap-',
  'x-ms-client-principal',
  'x-ms-token-',
  'x-amzn-oidc-',
  'x-amzn-mtls-',
  'cf-access-',
  'tailscale-',
  'teleport-',
  'x-pomerium-',
  'x-vouch-',
  'oidc-',
  'shib-',
  'sm-user',
  'oam-',
  'iv-user',
  'iv-groups',
  'iv-creds',
  'impersonate-',
  'x-consumer-',
  'x-credential-',
  'x-client-cert',
  'x-client-verify',
  'x-client-dn',
  'x-ssl-',
  'ssl-',
  'x-tls-',
]

// `True-Client-IP`, `CF-Connecting-IPv6`, `X-Original-Forwarded-For`, `X-AppEngine-User-IP` and similar names of other networks.
const address =
  /(?:^|-)(?:forwarded-for|(?:client|connecting|real|remote|originating|source|src|user|external)-(?:ip|addr|address)(?:v[46])?)$/

/** About the caller's program, which it may say itself. */
const own: ReadonlySet<string> = new Set(['x-user-agent'])

/** Whether only a proxy may send this header to the API. @param plain a name in the form of `plainName` */
export function isProxyClaim(plain: string): boolean {
  if (own.has(plain)) return false
  return names.has(plain) || beginnings.some(beginning => plain.startsWith(beginning)) || address.test(plain)
}
