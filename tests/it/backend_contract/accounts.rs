//! Accounts: names that no two of them share, hashes of passwords, and the first admin.

use adda::backend::{Account, Condition, Creation, PasswordHash};
use adda::model::{Role, Timestamp, UserId, Username};
use futures_util::future::join_all;

use super::nodes::{Cluster, Node};

fn account(name: &str, role: Role) -> Account {
    Account {
        user_id: UserId::guest(),
        username: Username::parse(name, 32).unwrap(),
        password: PasswordHash(format!("hash of {name}")),
        role,
        created_at: Timestamp::from_unix_millis(1_795_334_400_007).unwrap(),
    }
}

async fn create(node: &Node, account: &Account) -> Creation {
    node.backend.accounts.create(account, Condition::Always).await.unwrap()
}

async fn is_taken(node: &Node, name: &str) -> bool {
    let skeletons = Username::parse(name, 32).unwrap().skeletons();
    let owners = node.backend.accounts.owners(&skeletons).await.unwrap();
    assert_eq!(owners.len(), skeletons.len());
    owners.iter().any(Option::is_some)
}

pub async fn an_account_is_found_by_name_and_by_id_on_any_node(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let rahim = account("রহিম Uddin", Role::Moderator);
    assert!(!there.backend.accounts.are_any().await.unwrap());
    assert_eq!(create(&here, &rahim).await, Creation::Created);
    assert_eq!(create(&there, &rahim).await, Creation::Created, "a repeated call");
    assert!(there.backend.accounts.are_any().await.unwrap());
    let accounts = &there.backend.accounts;
    assert_eq!(accounts.by_id(&rahim.user_id).await.unwrap(), Some(rahim.clone()));
    for name in ["রহিম Uddin", "রহিম UDDIN"] {
        let skeleton = Username::parse(name, 32).unwrap().skeleton();
        assert_eq!(accounts.by_name(&skeleton).await.unwrap(), Some(rahim.clone()), "{name}");
    }
    let other = Username::parse("রহিমা", 32).unwrap();
    let skeletons = [other.skeleton(), rahim.username.skeleton()];
    assert_eq!(accounts.owners(&skeletons).await.unwrap(), [None, Some(rahim.user_id.clone())]);
    assert_eq!(accounts.owners(&[]).await.unwrap(), []);
    assert_eq!(accounts.by_name(&other.skeleton()).await.unwrap(), None);
    assert_eq!(accounts.by_id(&UserId::guest()).await.unwrap(), None);
}

pub async fn a_name_that_looks_like_an_accounts_is_taken(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    assert!(!is_taken(&here, "Bob").await);
    assert_eq!(create(&here, &account("Bob", Role::Member)).await, Creation::Created);
    for name in ["Bob", "BOB", "B0b", "Вob", "ｂｏｂ"] {
        assert!(is_taken(&there, name).await, "{name}");
        assert_eq!(create(&there, &account(name, Role::Member)).await, Creation::NameTaken, "{name}");
    }
    assert!(!is_taken(&there, "Rob").await);
    assert_eq!(create(&there, &account("Rob", Role::Member)).await, Creation::Created);
}

pub async fn one_of_many_concurrent_accounts_of_a_name_is_created(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    let names = ["Paul", "PauI", "paul", "Pаul", "PAUL", "Pau1"];
    let accounts: Vec<Account> = names.iter().map(|name| account(name, Role::Member)).collect();
    let creating = accounts.iter().enumerate().map(|(at, account)| create(&nodes[at % nodes.len()], account));
    let outcomes = join_all(creating).await;
    let created: Vec<usize> = (0..names.len()).filter(|at| outcomes[*at] == Creation::Created).collect();
    assert_eq!(created.len(), 1, "{outcomes:?}");
    for (at, account) in accounts.iter().enumerate() {
        let stored = nodes[0].backend.accounts.by_id(&account.user_id).await.unwrap();
        assert_eq!(stored.is_some(), at == created[0], "nothing is left of a refused account");
    }
}

pub async fn a_password_is_replaced_only_if_it_is_the_expected_one(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let rahim = account("Rahim", Role::Member);
    let [second, third] = ["second", "third"].map(|hash| PasswordHash(hash.to_owned()));
    let user = &rahim.user_id;
    assert!(!here.backend.accounts.replace_password(user, &rahim.password, &second).await.unwrap());
    create(&here, &rahim).await;
    assert!(there.backend.accounts.replace_password(user, &rahim.password, &second).await.unwrap());
    assert!(!here.backend.accounts.replace_password(user, &rahim.password, &third).await.unwrap());
    let stored = here.backend.accounts.by_id(user).await.unwrap();
    assert_eq!(stored, Some(Account { password: second, ..rahim }));
}

pub async fn the_first_admin_is_created_once(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    create(&nodes[0], &account("a member", Role::Member)).await;
    let admins: Vec<Account> =
        (0..12).map(|number| account(&format!("admin {number}"), Role::Admin)).collect();
    let outcomes = join_all(admins.iter().enumerate().map(async |(at, admin)| {
        nodes[at % nodes.len()].backend.accounts.create(admin, Condition::IfNoAdmin).await.unwrap()
    }))
    .await;
    let created = outcomes.iter().filter(|outcome| **outcome == Creation::Created).count();
    let refused = outcomes.iter().filter(|outcome| **outcome == Creation::AdminExists).count();
    assert_eq!((created, refused), (1, admins.len() - 1), "{outcomes:?}");
    assert_eq!(
        create(&nodes[1], &account("another", Role::Admin)).await,
        Creation::Created,
        "without condition"
    );
}

pub async fn all_nodes_have_one_setup_code_until_an_admin_exists(mut cluster: Cluster) {
    let nodes = cluster.nodes::<3>().await;
    let ask = async |node: &Node, own: &str| node.backend.accounts.setup_code(own).await.unwrap();
    let codes = join_all(nodes.iter().zip(["a", "b", "c"]).map(|(node, own)| ask(node, own))).await;
    assert!(codes[0].is_some() && codes.iter().all(|code| *code == codes[0]), "{codes:?}");
    nodes[1].backend.accounts.record_admin(&UserId::guest()).await.unwrap();
    nodes[2].backend.accounts.record_admin(&UserId::guest()).await.unwrap();
    for node in &nodes {
        assert_eq!(ask(node, "d").await, None);
    }
    let late = account("late", Role::Admin);
    let outcome = nodes[0].backend.accounts.create(&late, Condition::IfNoAdmin).await.unwrap();
    assert_eq!(outcome, Creation::AdminExists);
}
