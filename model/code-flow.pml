/*
 * The code flow with consent (docs/protocol.md §6.2 to §6.4): an agent on the web asks an auth server for access, sends the browser of its
 * user there, gets a code back through that browser, and redeems it.
 */
#include "terms.h"

#define auth_redirect_uri           1  /* auth.redirect-uri · TOK-10 · code_where_ever_named, with consent_redirect_uri_again */
#define consent_parameters_redirect 2  /* consent.parameters · UIX-03 · code_where_ever_named, with consent_redirect_uri_again */
#define consent_parameters_state    3  /* consent.parameters · UIX-04 · own_session, with agent_checks_callback_iss */
#define consent_claimed             4  /* consent.claimed · UIX-31 · own_session */
#define consent_browser             5  /* consent.browser · UIX-05 · user_agreed */
#define consent_page                6  /* consent.page · UIX-32 · user_agreed */
#define consent_redirect_uri_again  7  /* consent.redirect-uri.again · UIX-33 · code_where_named */
#define consent_remembered_agent    8  /* consent.remembered · UIX-34 · user_agreed */
#define consent_remembered_delegate 9  /* consent.remembered · UIX-34 · user_agreed */
#define consent_remembered_scope    10 /* consent.remembered · UIX-34 · user_agreed */
#define consent_code_caller         11 /* consent.code · TOK-17 · caller_asked */
#define consent_code_once           12 /* consent.code · TOK-16 · once */
#define code_mismatch_redirect      13 /* code.mismatch · TOK-20 · none: the page takes no other URL than that of the request, and none that is not the agent's */
#define code_session                14 /* code.session · TOK-41 · own_session */
#define agent_checks_callback_state 15 /* agent.checks.callback · CLI-08 · own_session */
#define agent_checks_callback_iss   16 /* agent.checks.callback · CLI-20 · own_session, with consent_parameters_state */
#define agent_checks_token_answer   17 /* agent.checks.token-answer · CLI-11 · own_session */
#define agent_tokens_per_user       18 /* agent.tokens.per-user · CLI-21 · own_session */
#define no_leak_from_a_led_browser  19 /* assumption · own_session */

mtype = { nobody };
/* Users, each with a browser. The attacker is Mallory. */
mtype = { Alice, Mallory };
/* Callers: an honest agent with a web site; a delegate of that agent, which the attacker has enrolled; the attacker's own agent. */
mtype = { Web, Helper, Eve };
mtype = { Auth, EvilAuth };
mtype = { reading, writing };
/* Where codes go: Web's URL; an earlier one of Web, which the attacker gets when Web gives it up; the attacker's. */
mtype = { web_callback, old_callback, eve_callback };
/* The `state` of the session of Alice at Web, of that of Mallory, and what the attacker makes up. */
mtype = { state_of_Alice, state_of_Mallory, state_of_Eve };
mtype = { code_where_named, code_where_ever_named, user_agreed, caller_asked, own_session, once };

/*
 * Three requests wait at Auth, each under its request token: 0 is of Web for Alice, 1 of Web for Mallory, and 2 one of the attacker, which
 * it may begin again and again. All are for one resource.
 */
typedef Request {
  bool open; mtype who; mtype scope; mtype redirect; mtype state;
  mtype browser;  /* which has claimed it */
  mtype user;     /* who has decided it */
  byte code;      /* 0: none yet, 1: made, 2: used */
  bool code_known /* to the attacker */
}
Request request[3];

/* The two sessions at Web: with which auth server, whether an answer is awaited, and whose token it holds. */
mtype issuer[2], holds[2], own_uri[2];
bool awaits[2];

/* What Alice has agreed to before, which Auth remembers; and the same as she knows it. */
bool agreed_Web, agreed_Helper, agreed_Eve_reading, agreed_Eve_writing;

/*
 * Two attackers, of which each run has one. One leads Alice's browser to any page, and she says yes to what she wants of an agent, whoever
 * began it. The other reads her links, states and codes, from logs and histories, once her browser has used them.
 */
bool leads, old_callback_lost;
bool leaked; /* the link of request 0 */
byte last; /* which request her browser has opened last */

#define leaks (!leads || AWAY(no_leak_from_a_led_browser))
#define owner(session) (session == 0 -> Alice : Mallory)
#define state_of(session) (session == 0 -> state_of_Alice : state_of_Mallory)
#define of_agent(uri, caller) (caller == Eve && uri == eve_callback || caller != Eve && uri != eve_callback && !(uri == old_callback && old_callback_lost))
#define knows_state_of_Alice (leaked || issuer[0] == EvilAuth)

/* §6.3, remembered grants: by user, agent, delegate, resource and scope. */
#define agreed(caller, wanted) ( \
  (caller == Web && agreed_Web) || (caller == Helper && agreed_Helper) || \
  (caller == Eve && wanted == reading && agreed_Eve_reading) || (caller == Eve && wanted == writing && agreed_Eve_writing))
#define remembered(caller, wanted) (agreed(caller, wanted) || \
  (AWAY(consent_remembered_agent) && wanted == reading && (agreed_Web || agreed_Eve_reading)) || \
  (AWAY(consent_remembered_delegate) && caller == Helper && agreed_Web) || \
  (AWAY(consent_remembered_scope) && caller == Eve && agreed_Eve_reading))

/* §6.3: the redirect URI is checked again when the user decides. The model takes a remembered yes for a decision, too: without the check
 * there, a code of a remembered yes goes to a URL that the agent has lost. */
#define still_named(n) KEEP(consent_redirect_uri_again, of_agent(request[n].redirect, request[n].who))

inline remember(n) {
  if
  :: request[n].who == Web -> agreed_Web = true
  :: request[n].who == Helper -> agreed_Helper = true
  :: request[n].who == Eve && request[n].scope == reading -> agreed_Eve_reading = true
  :: request[n].who == Eve && request[n].scope == writing -> agreed_Eve_writing = true
  fi
}

/* §6.2: `auth` with a resource token, which gets a request token. The redirect URI must be one of the agent's. */
inline begins(n, caller, wanted, uri, its_state) {
  request[n].open = true; request[n].who = caller; request[n].scope = wanted; request[n].redirect = uri; request[n].state = its_state;
  request[n].browser = nobody; request[n].user = nobody; request[n].code = 0; request[n].code_known = false
}

/* §6.3: the code goes to the redirect URI, through the browser of the user. */
inline makes_code(n, decider) {
  request[n].user = decider; request[n].code = 1;
  printf("STEP Auth makes a code for request %d (%e, %e), for %e, and sends the browser to %e.\n", n, request[n].who, request[n].scope, decider, request[n].redirect);
  PROPERTY(user_agreed, decider != Alice || agreed(request[n].who, request[n].scope));
  PROPERTY(code_where_ever_named, request[n].who == Eve || request[n].redirect != eve_callback);
  PROPERTY(code_where_named, of_agent(request[n].redirect, request[n].who));
  if :: decider == Mallory || request[n].redirect == eve_callback || (request[n].redirect == old_callback && old_callback_lost) || leaks ->
       request[n].code_known = true
     :: else fi
}

/* §6.3: a browser, in which its user is signed in, opens the link of a request. The first one that does claims it. */
inline opens(n, visitor) {
  if
  :: request[n].open && request[n].code == 0 && KEEP(consent_claimed, request[n].browser == nobody || request[n].browser == visitor) ->
       printf("STEP The browser of %e opens the link of request %d (%e, %e).\n", visitor, n, request[n].who, request[n].scope);
       request[n].browser = visitor;
       if :: visitor == Alice && n == 0 && leaks -> leaked = true :: else fi;
       if :: visitor == Alice && remembered(request[n].who, request[n].scope) && still_named(n) -> makes_code(n, Alice) :: else fi;
       if :: AWAY(consent_page) && visitor == Alice -> last = n :: else fi
  :: else
  fi
}

/* §6.2: a code is redeemed by whoever presents it: `token` is the request whose request token comes with it. */
#define redeemable(n, caller, token, uri) ( \
  (request[n].code == 1 || (AWAY(consent_code_once) && request[n].code == 2)) && \
  KEEP(consent_code_caller, request[n].who == caller) && \
  KEEP(code_mismatch_redirect, request[n].redirect == uri) && \
  KEEP(code_session, token == n))

inline redeems(n, caller) {
  PROPERTY(once, request[n].code == 1);
  PROPERTY(caller_asked, request[n].who == caller);
  request[n].code = 2
}

/* §6.4: Web gets a code through a browser, under the `state` of one of its sessions. */
inline callback(n, visitor, session, from) {
  if
  :: awaits[session] && KEEP(agent_checks_callback_state, owner(session) == visitor) && KEEP(agent_checks_callback_iss, issuer[session] == from) ->
       if
       :: issuer[session] == Auth && redeemable(n, Web, session, own_uri[session]) ->
            printf("STEP The browser of %e brings the code of request %d to Web, which redeems it in the session of %e.\n", visitor, n, owner(session));
            redeems(n, Web);
            holds[session] = request[n].user; awaits[session] = false;
            PROPERTY(own_session, holds[session] == owner(session));
            if :: session == 0 -> COMPLETES(1) :: else fi
       :: issuer[session] == EvilAuth ->
            printf("STEP The browser of %e brings the code of request %d to Web, which sends it to EvilAuth in the session of %e.\n", visitor, n, owner(session));
            request[n].code_known = true; awaits[session] = false
       :: else
       fi
  :: else
  fi
}

active proctype world() {
  byte n, s;
  mtype uri = nobody, wanted = nobody, caller = nobody;
  atomic {
    issuer[0] = nobody; issuer[1] = nobody; holds[0] = nobody; holds[1] = nobody; own_uri[0] = nobody; own_uri[1] = nobody;
    begins(0, nobody, nobody, nobody, nobody); begins(1, nobody, nobody, nobody, nobody); begins(2, nobody, nobody, nobody, nobody);
    request[0].open = false; request[1].open = false; request[2].open = false;
    if :: leads = true :: leads = false fi
  }
  do
  /* A user begins a session at Web, with either of the auth servers that Web accepts. */
  :: atomic { CHOOSE2(s, 0, 1);
       if
       :: issuer[s] == nobody -> CHOOSE2(issuer[s], Auth, EvilAuth); awaits[s] = true;
            own_uri[s] = web_callback;
            if :: s == 1 -> own_uri[s] = old_callback :: true fi;
            printf("STEP %e begins a session at Web, with %e.\n", owner(s), issuer[s]);
            if :: issuer[s] == Auth && of_agent(own_uri[s], Web) -> begins(s, Web, reading, own_uri[s], state_of(s)) :: else fi
       :: else
       fi;
       s = 0 }

  /* The attacker begins a request of its own: as Eve, or as the delegate of Web. */
  :: atomic { CHOOSE2(caller, Helper, Eve); CHOOSE3(uri, web_callback, old_callback, eve_callback);
       wanted = reading;
       if :: caller == Eve -> CHOOSE2(wanted, reading, writing) :: else fi;
       if
       :: KEEP(auth_redirect_uri, of_agent(uri, caller)) ->
            printf("STEP The attacker begins request 2 as %e, for %e, with %e.\n", caller, wanted, uri);
            begins(2, caller, wanted, uri, state_of_Eve)
       :: else
       fi;
       caller = nobody; uri = nobody; wanted = nobody }

  /* Web gives up its old URL, and the attacker gets it. */
  :: atomic { !old_callback_lost -> old_callback_lost = true;
       printf("STEP Web takes old_callback out of its metadata, and the attacker gets that domain.\n") }

  /* Alice opens the link that Web gave her. She may also be a user of Eve, and opens its link. */
  :: atomic { opens(0, Alice) }
  :: atomic { request[2].who == Eve -> opens(2, Alice) }
  /* A page of the attacker leads her browser to a request whose request token it has. */
  :: atomic { leads -> CHOOSE2(n, 1, 2);
       if
       :: request[n].open && request[n].browser == nobody ->
            if :: AWAY(consent_parameters_redirect) -> CHOOSE2(request[n].redirect, request[n].redirect, eve_callback) :: else fi;
            if :: AWAY(consent_parameters_state) && knows_state_of_Alice -> CHOOSE2(request[n].state, request[n].state, state_of_Alice) :: else fi;
            printf("STEP The attacker leads Alice to a link of request %d with %e and %e.\n", n, request[n].redirect, request[n].state);
            opens(n, Alice)
       :: else
       fi;
       n = 0 }
  /* The attacker's browser opens a request whose request token it has. */
  :: atomic { CHOOSE3(n, 0, 1, 2); if :: n > 0 || leaked -> opens(n, Mallory) :: else fi; n = 0 }

  /* §6.3: Alice reads the page of a request, and says yes to what she wants. Eve may read for her, and not write. */
  :: atomic { CHOOSE3(n, 0, 1, 2);
       if
       :: request[n].open && request[n].browser == Alice && request[n].code == 0 && request[n].scope == reading &&
          still_named(n) ->
            printf("STEP Alice says yes on the page of request %d (%e, %e).\n", n, request[n].who, request[n].scope);
            remember(n);
            if
            :: AWAY(consent_page) && request[last].browser == Alice && request[last].code == 0 -> makes_code(last, Alice)
            :: else -> makes_code(n, Alice)
            fi
       :: else
       fi;
       n = 0 }
  /* A page of the attacker sends the form in her browser. */
  :: atomic { AWAY(consent_browser) && leads -> CHOOSE3(n, 0, 1, 2);
       if
       :: request[n].open && request[n].browser == Alice && request[n].code == 0 ->
            printf("STEP A page of the attacker sends the form of request %d in the browser of Alice.\n", n);
            makes_code(n, Alice)
       :: else
       fi;
       n = 0 }
  :: atomic { CHOOSE3(n, 0, 1, 2);
       if
       :: request[n].open && request[n].browser == Mallory && request[n].code == 0 && still_named(n) ->
            printf("STEP Mallory says yes to request %d (%e, %e).\n", n, request[n].who, request[n].scope);
            makes_code(n, Mallory)
       :: else
       fi;
       n = 0 }

  /* The redirect of Auth reaches Web through the browser of Alice. */
  :: atomic { CHOOSE3(n, 0, 1, 2);
       if
       :: request[n].code > 0 && request[n].user == Alice && request[n].redirect != eve_callback ->
            if
            :: request[n].state == state_of_Alice -> callback(n, Alice, 0, Auth)
            :: request[n].state == state_of_Mallory -> callback(n, Alice, 1, Auth)
            :: else
            fi
       :: else
       fi;
       n = 0 }
  /* The attacker makes a browser bring a code that it knows to Web: its own, under its own state, or that of Alice. */
  :: atomic { CHOOSE3(n, 0, 1, 2);
       if
       :: request[n].code > 0 && request[n].code_known ->
            if
            :: callback(n, Mallory, 1, issuer[1])
            :: knows_state_of_Alice -> callback(n, Alice, 0, issuer[0])
            fi
       :: else
       fi;
       n = 0 }

  /* The attacker redeems a code that it knows, with a request token that it knows. */
  :: atomic { CHOOSE3(n, 0, 1, 2); CHOOSE2(caller, Helper, Eve);
       if
       :: request[n].code_known && (n > 0 || leaked) && redeemable(n, caller, n, request[n].redirect) ->
            printf("STEP %e redeems the code of request %d, which is for %e.\n", caller, n, request[n].user);
            redeems(n, caller);
            if :: request[n].user == Alice && caller == Eve -> COMPLETES(2) :: else fi
       :: else
       fi;
       n = 0; caller = nobody }

  /* §6.4: EvilAuth answers Web with a token of Auth that Web already has; tokens are no secrets. */
  :: atomic { AWAY(agent_checks_token_answer) -> CHOOSE2(s, 0, 1);
       if
       :: issuer[s] == EvilAuth && awaits[s] && holds[1 - s] != nobody ->
            printf("STEP EvilAuth answers Web, in the session of %e, with the token of Auth for %e.\n", owner(s), holds[1 - s]);
            holds[s] = holds[1 - s];
            PROPERTY(own_session, holds[s] == owner(s))
       :: else
       fi;
       s = 0 }
  :: atomic { AWAY(agent_tokens_per_user) -> CHOOSE2(s, 0, 1);
       if
       :: issuer[s] != nobody && holds[1 - s] != nobody ->
            printf("STEP Web uses the token of %e in the session of %e.\n", holds[1 - s], owner(s));
            holds[s] = holds[1 - s];
            PROPERTY(own_session, holds[s] == owner(s))
       :: else
       fi;
       s = 0 }
  od
}
