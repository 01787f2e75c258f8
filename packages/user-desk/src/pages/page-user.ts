/** Who is signed in, as pages show it. */
export interface PageUser {
  readonly sub: string
  readonly claims: { readonly name?: string; readonly email?: string }
}
