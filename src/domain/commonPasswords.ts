/**
 * The passwords of ten characters and more that lead the lists of leaked ones; a shorter one is refused for its length.
 * Rate limits allow a guesser some tens of tries, so the first of the list are the ones that matter.
 */
const COMMON = new Set(
  `
  0123456789 0987654321 1020304050 1029384756 1122334455 1212121212 123123123123 123321123321 1234512345 1234554321
  123456123456 1234567890 12345678901 123456789012 1234567890a 1234567890q 1234567891 12345678910 123456789a 123456789q
  123456abcdef 1234qwerasdf 123qwe123qwe 123qweasdzxc 147258369a 1597534682 1a2b3c4d5e 1q2w3e4r5t 1q2w3e4r5t6y
  1q2w3e4r5t6y7u 1qaz2wsx3edc 1qazxsw23edc 2wsx3edc4rfv 5555555555 6543210987 741852963a 7894561230 9876543210
  987654321a a123456789 a1234567890 a1b2c3d4e5 a1b2c3d4e5f6 aa12345678 aa123456789 abc1234567 abc123456789 abcd123456
  abcd12345678 abcde12345 abcdef123456 abcdefghij abcdefghijk admin12345 admin123456 administrator administrator1
  asd123456789 asdasdasdasd asdf123456 asdfasdfasdf asdfghjkl1 asdfghjkl123 asdfghjkl; azerty12345 azerty123456
  azertyuiop basketball basketball1 changeme123 changemenow charlie123 chocolate1 computer123 correcthorsebatterystaple
  defaultpassword facebook123 football12 football123 fuckyou123 geburtstag hallo12345 hallo123456 halloween1 hello12345
  hello123456 hellohello iloveyou1! iloveyou12 iloveyou123 iloveyou1234 jennifer123 letmein123 letmein1234 liverpool1
  liverpool123 lovelovelove loveyou123 manchester master1234 michael123 minecraft1 minecraft123 monkey1234 mypassword
  mypassword1 p@ssw0rd12 p@ssw0rd123 p@ssword123 pa55word123 pass123456 pass12345678 passw0rd12 passw0rd123 password01
  password1! password10 password11 password12 password123 password123! password1234 password12345 password123456
  password2023 password2024 password2025 password2026 password21 password22 password99 passwordpassword passwort12
  passwort123 passwort1234 princess12 princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsx1234 qazwsx123456 qazwsxedcr
  qazwsxedcrfv qqww1122334 qweasdzxc1 qweasdzxc123 qwer123456 qwerasdfzxcv qwert12345 qwert123456 qwerty1234
  qwerty12345 qwerty123456 qwerty1234567 qwerty12345678 qwerty123456789 qwertyqwerty qwertyuiop qwertyuiop1
  qwertyuiop123 qwertyuiop[] qwertz1234 qwertz12345 qwertz123456 qwertzuiop rockyou123 schalke1904 schatzi123
  schule1234 secret1234 secret12345 sonnenschein starwars12 starwars123 student123 student1234 student12345 summer2024
  summer2025 summer2026 sunshine12 sunshine123 superman12 superman123 teacher123 test123456 test12345678 testtest12
  testtest123 testtesttest trustno123 unknown123 welcome123 welcome123! welcome1234 welcome2024 welcome2025 welcome2026
  william123 willkommen willkommen1 winter2024 winter2025 winter2026 zaq12wsxcde3 zaq1zaq1zaq1 zxcvbnm,./ zxcvbnm123
  zxcvbnm1234 zxcvbnm123456
  `
    .trim()
    .split(/\s+/),
);

/** Fewer different characters than this make a pattern, not a secret: `aaaaaaaaaa`, `1212121212`. */
const FEWEST_DIFFERENT = 4;

/** Whether somebody who guesses would try this password among the first; case is ignored. */
export const isCommonPassword = (password: string): boolean =>
  COMMON.has(password.toLowerCase()) || new Set(password).size < FEWEST_DIFFERENT;
