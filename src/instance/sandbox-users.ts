/** Numbers of users that nobody on a machine has: whom root's agents and checks run as. */

/** Between what systemd gives to homes and containers (up to 0x6fffffff) and what has the sign bit of old programs. */
export const USERS_FIRST = 0x7000_0000;
export const USERS_COUNT = 0x0fff_0000;
/** Above those of clones and the one of trials. Checks run as one of these, by their mission. */
export const CHECK_USERS_FIRST = 0x7fff_0001;
export const CHECK_USERS_COUNT = 0xff00;
